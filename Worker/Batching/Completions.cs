using InferenceTemplate.Inference.Queue;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Tells the queue what became of requests, while the instances run on: a run never waits for the round trip that answers
/// the one before. A few may be under way at once; while Redis does not answer, that bound stops the instances.
/// </summary>
internal sealed partial class Completions(
    QueueConsumer consumer, string model, string version, ServingState state, TimeProvider time, ILogger logger, int atOnce)
{
    private readonly object _lock = new();
    private int _underWay;
    private TaskCompletionSource? _all;

    /// <summary>Hands the answers of a run over.</summary>
    public void Answer(IReadOnlyList<QueuedRequest> requests, IReadOnlyDictionary<string, ReplyBatch> replies) =>
        Begin(requests.Count, () => FinishAsync(requests, replies));

    /// <summary>Answers requests without outputs.</summary>
    public void Refuse(IReadOnlyList<QueuedRequest> requests, ReplyOutcome outcome, string error)
    {
        var now = time.GetUtcNow();
        var replies = new Dictionary<string, ReplyBatch>(StringComparer.Ordinal);
        foreach (var request in requests.Select(r => r.Request))
        {
            ReplyBatch.For(replies, request.ReplyTo).Add(
                request.Id, outcome, error, now - request.EnqueuedAt, TimeSpan.Zero, 0, state.WorkerId);
        }

        Answer(requests, replies);
    }

    /// <summary>Removes requests whose callers have left.</summary>
    public void Drop(IReadOnlyList<QueuedRequest> requests) =>
        Answer(requests, new Dictionary<string, ReplyBatch>(StringComparer.Ordinal));

    /// <summary>Hands requests back that did not get to run here.</summary>
    public void Return(IReadOnlyList<QueuedRequest> requests) => Begin(requests.Count, () => consumer.ReturnAsync(requests));

    /// <summary>Has requests tried again, here or elsewhere, as often as the queue lets.</summary>
    public void Retry(IReadOnlyList<QueuedRequest> requests, string reason) =>
        Begin(requests.Count, () => Task.WhenAll(requests.Select(r => consumer.RetryAsync(r, reason))));

    /// <summary>Waits until the queue knows of everything.</summary>
    public Task AllAsync()
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

    private Task FinishAsync(IReadOnlyList<QueuedRequest> requests, IReadOnlyDictionary<string, ReplyBatch> replies) =>
        consumer.CompleteAsync(requests, replies);

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
