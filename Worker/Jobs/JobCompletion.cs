using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Jobs;

/// <summary>
/// Ends the jobs of one model's runs: committed first, then acknowledged, beside the serving loop, so that the next batch runs
/// while Postgres writes, and goes on while Postgres is away.
/// </summary>
internal sealed partial class JobCompletion(
    JobLeaseTracker tracker, QueueConsumer consumer, ServingState state, ILogger<JobCompletion> logger)
{
    private static readonly Replies Nobody = new();

    private readonly ConcurrentDictionary<Task, bool> _settling = new();

    /// <summary>Begins to end jobs; returns before that is done.</summary>
    public void Complete(IReadOnlyList<QueuedRequest> jobs, Func<QueuedRequest, JobResult> ended)
    {
        if (jobs.Count > 0)
        {
            Track(SettleAsync(jobs, [.. jobs.Select(ended)]));
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

    /// <summary>Gives claimed jobs back, without counting the attempt; their entries stay the caller's to return.</summary>
    public async Task ReturnAsync(IReadOnlyList<QueuedRequest> requests)
    {
        try
        {
            await tracker.ReturnAsync(requests);
        }
        catch (Exception exception)
        {
            // Postgres is away, most likely: the tracker tries again. Their entries go back all the same.
            LogNotReturned(requests.Count, exception.Message);
        }
    }

    /// <summary>Lets go of jobs that the queue has given to another worker.</summary>
    public void Abandon(IEnumerable<QueuedRequest> requests) => tracker.Abandon(requests);

    /// <summary>Waits until all that was begun is done.</summary>
    public Task WhenCompletedAsync() => Task.WhenAll(_settling.Keys);

    private void Track(Task settling)
    {
        _settling[settling] = true;
        _ = settling.ContinueWith(done => _settling.TryRemove(done, out _), TaskScheduler.Default);
    }

    private async Task SettleAsync(IReadOnlyList<QueuedRequest> jobs, IReadOnlyList<JobResult> results)
    {
        try
        {
            if (await tracker.FinishAsync(results))
            {
                await AcknowledgeAsync(jobs);
                return;
            }
        }
        catch (Exception exception)
        {
            LogNotFinished(exception, jobs.Count);
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

    [LoggerMessage(LogLevel.Warning, "{Count} jobs could not be given back now, which is tried again: {Reason}")]
    private partial void LogNotReturned(int count, string reason);

    [LoggerMessage(LogLevel.Error, "How {Count} jobs ended could not be written; they run again")]
    private partial void LogNotFinished(Exception exception, int count);

    [LoggerMessage(LogLevel.Warning, "{Count} entries of jobs could not be removed from the queue now")]
    private partial void LogNotAcknowledged(Exception exception, int count);
}
