namespace InferenceTemplate.Data;

/// <summary>What the platform did in a minute (UTC), summed from the records of its requests; shadow requests are none.</summary>
public sealed class TrafficMinute
{
    public DateTimeOffset Minute { get; init; }

    public long Requests { get; init; }

    /// <summary>Of them, those answered with a 5xx.</summary>
    public long Errors { get; init; }

    /// <summary>Of them, those answered with a 4xx.</summary>
    public long Rejections { get; init; }

    /// <summary>Of them, those that were over in time to be called fast; null for a minute that was summed before that was.</summary>
    public long? Fast { get; init; }

    /// <summary>Latencies in seconds.</summary>
    public double P50 { get; init; }

    public double P95 { get; init; }

    public double P99 { get; init; }
}
