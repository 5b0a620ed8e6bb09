namespace InferenceTemplate.Data;

/// <summary>The worst that was seen of the queues in a minute (UTC), over all models.</summary>
public sealed class QueueMinute
{
    public DateTimeOffset Minute { get; init; }

    /// <summary>Requests waiting or running.</summary>
    public long Depth { get; init; }

    /// <summary>Age of the oldest of them.</summary>
    public double OldestSeconds { get; init; }
}
