using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.ModelCache;

namespace InferenceTemplate.Worker.Models;

/// <summary>
/// Answers what waits for a model version that no worker can load, instead of letting its callers wait for their deadline.
/// </summary>
internal sealed partial class LoadRefusal(
    QueueConsumers consumers, FleetRegistry fleet, ServingState state, TimeProvider time, ILogger<LoadRefusal> logger)
{
    private const int AtOnce = 64;

    /// <summary>
    /// Refuses the calls that wait, unless another worker may still serve them. Jobs are returned: they can wait until the model
    /// loads, or their own deadline.
    /// </summary>
    /// <returns>How many jobs were returned.</returns>
    public async Task<int> RefuseAsync(ModelKey key, string reason)
    {
        var others = (await fleet.WorkersAsync()).Where(w => w.Ready && w.Id != state.WorkerId);
        if (others.Any(w => !w.Failures.Any(f => f.Model == key.ToString())))
        {
            return 0;
        }

        var consumer = consumers.For(key);
        try
        {
            var jobs = new List<QueuedRequest>();
            var refused = 0;
            while (await consumer.ReadAsync(AtOnce) is { Count: > 0 } requests)
            {
                List<QueuedRequest> calls = [.. requests.Where(r => r.Request.Kind != RequestKind.Job)];
                jobs.AddRange(requests.Except(calls));
                await consumer.CompleteAsync(calls, Refusals(calls, reason));
                refused += calls.Count;
            }

            await consumer.ReturnAsync(jobs);
            if (refused > 0)
            {
                LogRefused(refused, key, reason);
            }

            return jobs.Count;
        }
        finally
        {
            // Of a pass that was cut short: a worker gets them again.
            consumer.Release(consumer.InFlight);
        }
    }

    private Replies Refusals(List<QueuedRequest> calls, string reason)
    {
        var replies = new Replies();
        var now = time.GetUtcNow();
        calls.ForEach(call => replies.Refuse(call.Request, ReplyOutcome.NotLoaded, reason, now, state.WorkerId));
        return replies;
    }

    [LoggerMessage(LogLevel.Warning, "{Count} requests for {Model} were refused: {Reason}")]
    private partial void LogRefused(int count, ModelKey model, string reason);
}
