namespace InferenceTemplate.Core.Fleet;

/// <summary>What one Api replica says of itself each second. All are of the last ten seconds.</summary>
/// <param name="ErrorsPerSecond">Requests answered with a 5xx.</param>
/// <param name="RejectionsPerSecond">Requests answered with a 4xx.</param>
public sealed record ApiStatus(
    string Id,
    string Host,
    DateTimeOffset Started,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    double RejectionsPerSecond,
    int InFlight,
    LatencyBuckets Latencies)
{
    /// <summary>Its build, as <see cref="RunningBuild"/>; null for a replica of an older one.</summary>
    public string? Build { get; set; }
}
