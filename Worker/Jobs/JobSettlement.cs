using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue;
using Npgsql;

namespace InferenceTemplate.Worker.Jobs;

/// <summary>
/// Ends the jobs of one model's runs: committed first, then acknowledged, beside the serving loop, so that the next batch runs
/// while Postgres writes, and goes on while Postgres is away.
/// </summary>
internal sealed partial class JobSettlement(JobLedger ledger, QueueConsumer consumer, ServingState state, ILogger<JobSettlement> logger)
{
    private static readonly Dictionary<string, ReplyBatch> Nobody = [];

    private readonly ConcurrentDictionary<Task, bool> _settling = new();

    /// <summary>Where an answer is put among those of a run: under the name of its Api replica, or, for a job, one that no replica has.</summary>
    public static string AddressOf(InferenceRequest request) => request.Kind == RequestKind.Job ? $"job:{request.Id:N}" : request.ReplyTo;

    /// <summary>Whether somebody asked meanwhile to cancel the job.</summary>
    public bool IsCancelled(InferenceRequest request) => request.Kind == RequestKind.Job && ledger.IsCancelled(request.Id);

    /// <summary>Begins to end jobs; returns before that is done.</summary>
    public void Settle(IReadOnlyList<QueuedRequest> jobs, Func<InferenceRequest, JobResult> ended)
    {
        if (jobs.Count > 0)
        {
            Track(SettleAsync(jobs, [.. jobs.Select(j => ended(j.Request))]));
        }
    }

    /// <summary>Acknowledges entries of jobs that are not this worker's to run.</summary>
    public void Drop(IReadOnlyList<QueuedRequest> jobs)
    {
        if (jobs.Count > 0)
        {
            Track(AcknowledgeAsync(jobs));
        }
    }

    /// <summary>Gives claimed jobs back, without counting the attempt; their entries stay the caller's to hand back.</summary>
    public async Task ReturnAsync(IReadOnlyList<QueuedRequest> requests)
    {
        try
        {
            await ledger.ReturnAsync(requests);
        }
        catch (NpgsqlException exception)
        {
            // Their leases run out.
            LogNotReturned(requests.Count, exception.Message);
        }
    }

    /// <summary>Lets go of jobs that the queue has given to another worker.</summary>
    public void Abandon(IEnumerable<QueuedRequest> requests) => ledger.Abandon(requests);

    /// <summary>Waits until all that was begun is done.</summary>
    public Task WhenSettledAsync() => Task.WhenAll(_settling.Keys);

    private void Track(Task settling)
    {
        _settling[settling] = true;
        _ = settling.ContinueWith(done => _settling.TryRemove(done, out _), TaskScheduler.Default);
    }

    private async Task SettleAsync(IReadOnlyList<QueuedRequest> jobs, IReadOnlyList<JobResult> results)
    {
        if (await ledger.FinishAsync(results))
        {
            await AcknowledgeAsync(jobs);
            return;
        }

        // They run again: the queue gives them out once they have not been heard of for a while.
        consumer.Release(jobs);
        state.Ended(jobs.Count);
    }

    private async Task AcknowledgeAsync(IReadOnlyList<QueuedRequest> jobs)
    {
        try
        {
            await consumer.CompleteAsync(jobs, Nobody);
        }
        catch (Exception exception)
        {
            // Redis is away, most likely. Whoever gets the entry next can't claim it, and drops it.
            LogNotAcknowledged(exception, jobs.Count);
        }
        finally
        {
            state.Ended(jobs.Count);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} jobs could not be given back now and wait for their leases to run out: {Reason}")]
    private partial void LogNotReturned(int count, string reason);

    [LoggerMessage(LogLevel.Warning, "{Count} entries of jobs could not be removed from the queue now")]
    private partial void LogNotAcknowledged(Exception exception, int count);
}
