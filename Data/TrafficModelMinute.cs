namespace InferenceTemplate.Data;

/// <summary>What a model version did in a minute (UTC), summed as <see cref="TrafficMinute"/> is.</summary>
public sealed class TrafficModelMinute
{
    public DateTimeOffset Minute { get; init; }

    public required string Model { get; init; }

    public required string Version { get; init; }

    public long Requests { get; init; }

    /// <summary>Of them, those answered with a 5xx.</summary>
    public long Errors { get; init; }

    /// <summary>Latencies in seconds; 0 where nothing was answered.</summary>
    public double P50 { get; init; }

    public double P95 { get; init; }
}
