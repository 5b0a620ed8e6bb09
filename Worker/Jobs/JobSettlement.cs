using System.Collections.Concurrent;
using InferenceTemplate.Inference.Queue;

namespace InferenceTemplate.Worker.Jobs;

/// <summary>
/// Ends the jobs of one model's runs: committed first, then acknowledged, beside the serving loop, so that the next batch runs
/// while Postgres writes, and goes on while Postgres is away.
/// </summary>
internal sealed partial class JobSettlement(JobLedger ledger, QueueConsumer consumer, ILogger<JobSettlement> logger)
{
    private static readonly Dictionary<string, ReplyBatch> Nobody = [];

    private readonly ConcurrentDictionary<Task, bool> _settling = new();

    /// <summary>Where a job's answer is put among the answers of a run: no Api replica has such a name.</summary>
    public static string Address(Guid job) => $"job:{job:N}";

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
        }
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
    }

    [LoggerMessage(LogLevel.Warning, "{Count} entries of jobs could not be removed from the queue now")]
    private partial void LogNotAcknowledged(Exception exception, int count);
}
