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

    /// <summary>Whether nobody wants the answer any more.</summary>
    public bool IsCancelled(QueuedRequest request) => request.IsCancelled || completion.IsCancelled(request.Request);

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
        var (calls, jobs) = Split(requests);
        completion.Complete(
            jobs, job => new JobResult(job.Id, replies.OfJob(job.Id).ToMessage(), BatchSize: rows, ComputeTime: computeTime));
        Complete(calls, replies);
    }

    /// <summary>Answers requests without outputs.</summary>
    /// <param name="computeTime">How long they ran until they were ended.</param>
    public void Refuse(IReadOnlyList<QueuedRequest> requests, ReplyOutcome outcome, string error, TimeSpan computeTime = default)
    {
        var (calls, jobs) = Split(requests);
        completion.Complete(jobs, job => new JobResult(job.Id, Outputs: null, error, Status(outcome)));
        var now = time.GetUtcNow();
        var replies = new Replies();
        calls.ForEach(call => replies.Refuse(call.Request, outcome, error, now, state.WorkerId, computeTime));
        Complete(calls, replies);
    }

    /// <summary>Removes requests whose callers have left, and ends jobs that were cancelled.</summary>
    public void Drop(IReadOnlyList<QueuedRequest> requests)
    {
        var (calls, jobs) = Split(requests);
        completion.Complete(jobs, job => new JobResult(job.Id, Outputs: null, "the job was cancelled before it ran", Status: 409));
        Complete(calls, new Replies());
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

    private static (List<QueuedRequest> Calls, List<QueuedRequest> Jobs) Split(IReadOnlyList<QueuedRequest> requests) =>
        ([.. requests.Where(r => r.Request.Kind != RequestKind.Job)], [.. requests.Where(r => r.Request.Kind == RequestKind.Job)]);

    private static short Status(ReplyOutcome outcome) => outcome switch
    {
        ReplyOutcome.Expired => 504,
        ReplyOutcome.Unavailable => 503,
        ReplyOutcome.TooLarge => 413,
        _ => 400,
    };

    // What came by a direct connection is answered by it, on this thread: there is no round trip to wait for.
    private void Complete(List<QueuedRequest> requests, Replies replies)
    {
        List<DirectRequest> direct = [.. requests.OfType<DirectRequest>()];
        if (direct.Count > 0)
        {
            DirectAnswers.Send(direct, replies);
            state.Ended(direct.Count);
            requests.RemoveAll(r => r is DirectRequest);
        }

        Begin(requests.Count, () => consumer.CompleteAsync(requests, replies));
    }

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

    [LoggerMessage(LogLevel.Error, "What became of {Count} requests of {Model}/{Version} could not be told to the queue")]
    private partial void LogUntold(Exception exception, int count, string model, string version);
}
