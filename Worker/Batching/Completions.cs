using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Jobs;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Tells the queue what became of requests, while the instances run on: a run never waits for the round trip that answers
/// the one before. A few may be under way at once; while Redis does not answer, that bound stops the instances, and only those.
/// </summary>
internal sealed partial class Completions(
    QueueConsumer consumer, JobCompletion completion, string model, string version, ServingState state, TimeProvider time,
    ILogger logger, int atOnce)
{
    private readonly object _lock = new();
    private int _underWay;
    private TaskCompletionSource? _all;

    /// <summary>Blocks while too much is under way: for an instance's own thread, before it runs more. Nothing else here waits.</summary>
    public void WaitForRoom()
    {
        lock (_lock)
        {
            while (_underWay >= atOnce)
            {
                Monitor.Wait(_lock);
            }
        }
    }

    /// <summary>Hands the answers of a run over: those of callers to the queue, those of jobs to Postgres.</summary>
    public void Answer(IReadOnlyList<QueuedRequest> requests, Replies replies, int rows, TimeSpan computeTime)
    {
        var parts = Split(requests);
        if (parts.Jobs.Count > 0)
        {
            Complete(parts.Jobs, replies, rows, computeTime);
        }

        Complete(parts, replies);
        if (parts.Jobs.Count + parts.Queued.Count == 0)
        {
            replies.Recycle();
        }
    }

    /// <summary>Answers requests without outputs.</summary>
    /// <param name="computeTime">How long they ran until they were ended.</param>
    public void Refuse(IReadOnlyList<QueuedRequest> requests, ReplyOutcome outcome, string error, TimeSpan computeTime = default)
    {
        var parts = Split(requests);
        completion.Complete(parts.Jobs, job => new JobResult(job, Outputs: null, error, Status(outcome)));
        var now = time.GetUtcNow();
        var replies = new Replies();
        foreach (var call in parts.Queued.Concat(parts.Direct))
        {
            replies.Refuse(call.Request, outcome, error, now, state.WorkerId, computeTime);
        }

        Complete(parts, replies);
    }

    /// <summary>Removes requests whose callers have left, and ends jobs that were cancelled.</summary>
    public void Drop(IReadOnlyList<QueuedRequest> requests)
    {
        var parts = Split(requests);
        completion.Complete(parts.Jobs, job => new JobResult(job, Outputs: null, "the job was cancelled before it ran", Status: 409));
        Complete(parts, new Replies());
    }

    /// <summary>Hands requests back that did not get to run here.</summary>
    public void Return(IReadOnlyList<QueuedRequest> requests)
    {
        var queued = WithoutDirect(requests, failure: null);
        Begin(queued.Count, async () =>
        {
            await completion.ReturnAsync(queued);
            await consumer.ReturnAsync(queued);
        });
    }

    /// <summary>Gives jobs back that can't be claimed now: those that are always given out first would keep calls from their turn.</summary>
    public void Postpone(IReadOnlyList<QueuedRequest> jobs, TimeSpan wait) => Begin(jobs.Count, () => consumer.PostponeAsync(jobs, wait));

    /// <summary>Has requests tried again, here or elsewhere, as often as the queue lets.</summary>
    public void Retry(IReadOnlyList<QueuedRequest> requests, string reason)
    {
        var queued = WithoutDirect(requests, reason);
        Begin(queued.Count, async () =>
        {
            await completion.ReturnAsync(queued);
            await Task.WhenAll(queued.Select(r => consumer.RetryAsync(r, reason)));
        });
    }

    /// <summary>Waits until the queue knows of everything.</summary>
    public async Task AllAsync()
    {
        await ToldAsync();
        await completion.WhenCompletedAsync();
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

    private static Parts Split(IReadOnlyList<QueuedRequest> requests)
    {
        List<DirectRequest>? direct = null;
        List<QueuedRequest>? queued = null, jobs = null;
        for (var i = 0; i < requests.Count; i++)
        {
            var request = requests[i];
            if (request is DirectRequest own)
            {
                (direct ??= new(requests.Count)).Add(own);
            }
            else if (request.Request.Kind == RequestKind.Job)
            {
                (jobs ??= []).Add(request);
            }
            else
            {
                (queued ??= []).Add(request);
            }
        }

        return new Parts(direct ?? None<DirectRequest>.List, queued ?? None<QueuedRequest>.List, jobs ?? None<QueuedRequest>.List);
    }

    private static short Status(ReplyOutcome outcome) => outcome switch
    {
        ReplyOutcome.Expired => 504,
        ReplyOutcome.Unavailable or ReplyOutcome.NotLoaded => 503,
        ReplyOutcome.TooLarge => 413,
        _ => 400,
    };

    // What came by a direct connection is answered by it, on this thread: there is no round trip to wait for.
    private void Complete(Parts parts, Replies replies)
    {
        if (parts.Direct.Count > 0)
        {
            DirectAnswers.Send(parts.Direct, replies);
            state.Ended(parts.Direct.Count);
        }

        if (parts.Queued.Count > 0)
        {
            Complete(parts.Queued, replies);
        }
    }

    private void Complete(List<QueuedRequest> queued, Replies replies) =>
        Begin(queued.Count, () => consumer.CompleteAsync(queued, replies));

    private void Complete(List<QueuedRequest> jobs, Replies replies, int rows, TimeSpan computeTime) => completion.Complete(
        jobs, job => new JobResult(job, replies.OfJob(job.Request.Id).ToMessage(), BatchSize: rows, ComputeTime: computeTime));

    private List<QueuedRequest> WithoutDirect(IReadOnlyList<QueuedRequest> requests, string? failure)
    {
        var queued = new List<QueuedRequest>(requests.Count);
        foreach (var request in requests)
        {
            if (request is DirectRequest direct)
            {
                DirectAnswers.Return(direct, failure);
                state.Ended(1);
            }
            else
            {
                queued.Add(request);
            }
        }

        return queued;
    }

    private void Begin(int count, Func<Task> tell)
    {
        if (count == 0)
        {
            return;
        }

        lock (_lock)
        {
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

    // Nothing is ever added to it.
    private static class None<T>
    {
        public static readonly List<T> List = [];
    }

    /// <summary>Requests by how their ends are told.</summary>
    private readonly record struct Parts(List<DirectRequest> Direct, List<QueuedRequest> Queued, List<QueuedRequest> Jobs);

    [LoggerMessage(LogLevel.Error, "What became of {Count} requests of {Model}/{Version} could not be told to the queue")]
    private partial void LogUntold(Exception exception, int count, string model, string version);
}
