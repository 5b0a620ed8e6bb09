using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Jobs;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Tells the queue what became of requests, while the instances run on: a run never waits for the round trip that answers
/// the one before. A few may be under way at once; while Redis does not answer, that bound stops the instances.
/// </summary>
internal sealed partial class Completions(
    QueueConsumer consumer, JobSettlement settlement, string model, string version, ServingState state, TimeProvider time, ILogger logger, int atOnce)
{
    private readonly object _lock = new();
    private int _underWay;
    private TaskCompletionSource? _all;

    /// <summary>Whether nobody wants the answer any more.</summary>
    public bool IsCancelled(QueuedRequest request) => request.IsCancelled || settlement.IsCancelled(request.Request);

    /// <summary>Hands the answers of a run over: those of callers to the queue, those of jobs to Postgres.</summary>
    public void Answer(
        IReadOnlyList<QueuedRequest> requests, IReadOnlyDictionary<string, ReplyBatch> replies, int rows, TimeSpan computeTime)
    {
        var (calls, jobs) = Split(requests);
        settlement.Settle(jobs, job => new JobResult(
            job.Id, replies[JobSettlement.AddressOf(job)].ToMessage(), BatchSize: rows, ComputeTime: computeTime));
        var ofJobs = jobs.Select(j => JobSettlement.AddressOf(j.Request)).ToHashSet(StringComparer.Ordinal);
        Complete(calls, jobs.Count == 0 ? replies : replies.Where(r => !ofJobs.Contains(r.Key)).ToDictionary(StringComparer.Ordinal));
    }

    /// <summary>Answers requests without outputs.</summary>
    public void Refuse(IReadOnlyList<QueuedRequest> requests, ReplyOutcome outcome, string error)
    {
        var (calls, jobs) = Split(requests);
        settlement.Settle(jobs, job => new JobResult(job.Id, Outputs: null, error, Status(outcome)));
        var now = time.GetUtcNow();
        var replies = new Dictionary<string, ReplyBatch>(StringComparer.Ordinal);
        foreach (var request in calls.Select(r => r.Request))
        {
            ReplyBatch.For(replies, request.ReplyTo).Add(
                request.Id, outcome, error, now - request.EnqueuedAt, TimeSpan.Zero, 0, state.WorkerId);
        }

        Complete(calls, replies);
    }

    /// <summary>Removes requests whose callers have left, and ends jobs that were cancelled.</summary>
    public void Drop(IReadOnlyList<QueuedRequest> requests)
    {
        var (calls, jobs) = Split(requests);
        settlement.Settle(jobs, job => new JobResult(job.Id, Outputs: null, "the job was cancelled before it ran", Status: 409));
        Complete(calls, new Dictionary<string, ReplyBatch>(StringComparer.Ordinal));
    }

    /// <summary>Hands requests back that did not get to run here.</summary>
    public void Return(IReadOnlyList<QueuedRequest> requests) => Begin(requests.Count, async () =>
    {
        await settlement.ReturnAsync(requests);
        await consumer.ReturnAsync(requests);
    });

    /// <summary>Has requests tried again, here or elsewhere, as often as the queue lets.</summary>
    public void Retry(IReadOnlyList<QueuedRequest> requests, string reason) => Begin(requests.Count, async () =>
    {
        await settlement.ReturnAsync(requests);
        await Task.WhenAll(requests.Select(r => consumer.RetryAsync(r, reason)));
    });

    /// <summary>Waits until the queue knows of everything.</summary>
    public async Task AllAsync()
    {
        await ToldAsync();
        await settlement.WhenSettledAsync();
    }

    private Task ToldAsync()
    {
        lock (_lock)
        {
            if (_underWay == 0)
            {
                return Task.CompletedTask;
            }

            _all ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _all.Task;
        }
    }

    private static (List<QueuedRequest> Calls, List<QueuedRequest> Jobs) Split(IReadOnlyList<QueuedRequest> requests) =>
        ([.. requests.Where(r => r.Request.Kind != RequestKind.Job)], [.. requests.Where(r => r.Request.Kind == RequestKind.Job)]);

    private static short Status(ReplyOutcome outcome) => outcome switch
    {
        ReplyOutcome.Expired => 504,
        ReplyOutcome.Unavailable => 503,
        _ => 400,
    };

    private void Complete(List<QueuedRequest> requests, IReadOnlyDictionary<string, ReplyBatch> replies) =>
        Begin(requests.Count, () => consumer.CompleteAsync(requests, replies));

    private void Begin(int count, Func<Task> tell)
    {
        if (count == 0)
        {
            return;
        }

        lock (_lock)
        {
            while (_underWay >= atOnce)
            {
                Monitor.Wait(_lock);
            }

            _underWay++;
        }

        _ = TellAsync(count, tell);
    }

    private async Task TellAsync(int count, Func<Task> tell)
    {
        try
        {
            await tell();
        }
        catch (Exception exception)
        {
            // Redis is away, most likely. The queue gives the requests out again once it is back and they have not been heard of.
            LogUntold(exception, count, model, version);
        }
        finally
        {
            state.Ended(count);
            End();
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_underWay == 0)
            {
                _all?.TrySetResult();
            }

            Monitor.PulseAll(_lock);
        }
    }

    [LoggerMessage(LogLevel.Error, "What became of {Count} requests of {Model}/{Version} could not be told to the queue")]
    private partial void LogUntold(Exception exception, int count, string model, string version);
}
