using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// What this replica knows of queues without asking: one that was full a moment ago is full, so its requests are refused before
/// their bodies are read. A rejection lasts only as long as it takes to drain a little, so that no room stays unused.
/// </summary>
internal sealed class QueueRejections(TimeProvider time)
{
    /// <summary>The part of a full queue that must have drained before anybody asks again.</summary>
    private const double DrainedPart = 0.02;

    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan WithoutRate = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<QueueName, Queue> _queues = new();

    /// <summary>Learns from an admission.</summary>
    /// <param name="contentLength">Of the request's body, where known.</param>
    public void Learn(QueueName queue, Admission admission, Priority priority, long? contentLength)
    {
        if (admission.Outcome is EnqueueOutcome.Expired or EnqueueOutcome.Cached)
        {
            return;
        }

        var known = _queues.GetOrAdd(queue, _ => new Queue(new DrainRate(time)));
        known.Rate.Observe(admission.Removed);

        // Shadow work is refused at half of the bounds: that says nothing of other work.
        if (priority != Priority.Shadow && admission.Outcome is EnqueueOutcome.Full or EnqueueOutcome.FullOfBytes)
        {
            var fromLength = admission.Outcome == EnqueueOutcome.Full ? 0 : contentLength ?? long.MaxValue;
            var until = time.GetTimestamp() + (long)(Lasts(known, admission.Depth).TotalSeconds * time.TimestampFrequency);
            known.Full = new Rejection(until, fromLength, admission);
        }
    }

    /// <summary>Learns how many have left a queue so far.</summary>
    public void Observe(QueueName queue, long removed) =>
        _queues.GetOrAdd(queue, _ => new Queue(new DrainRate(time))).Rate.Observe(removed);

    /// <summary>The admission that refused a request like this one a moment ago; null where it may go on.</summary>
    public Admission? Refuses(QueueName queue, long? contentLength) =>
        _queues.TryGetValue(queue, out var known)
        && known.Full is { } full
        && time.GetTimestamp() < full.Until
        && (contentLength ?? 0) >= full.FromLength
            ? full.Admission
            : null;

    /// <summary>Whole seconds until a queue of that depth is worked off at its present rate, 1 to 60.</summary>
    public int RetryAfter(QueueName queue, long depth) =>
        _queues.TryGetValue(queue, out var known) && known.Rate.PerSecond is { } rate
            ? (int)Math.Clamp(Math.Ceiling(depth / rate), 1, 60)
            : 1;

    /// <summary>Requests a second that leave a queue; null where this replica has not seen enough of it.</summary>
    public double? DrainRate(QueueName queue) => _queues.TryGetValue(queue, out var known) ? known.Rate.PerSecond : null;

    private static TimeSpan Lasts(Queue queue, long depth)
    {
        if (queue.Rate.PerSecond is not { } rate)
        {
            return WithoutRate;
        }

        var seconds = depth * DrainedPart / rate;
        return seconds >= Longest.TotalSeconds ? Longest : seconds <= Shortest.TotalSeconds ? Shortest : TimeSpan.FromSeconds(seconds);
    }

    private sealed class Queue(DrainRate rate)
    {
        public readonly DrainRate Rate = rate;
        public volatile Rejection? Full;
    }

    private sealed record Rejection(long Until, long FromLength, Admission Admission);
}
