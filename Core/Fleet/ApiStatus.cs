namespace InferenceTemplate.Core.Fleet;

/// <summary>What one Api replica says of itself each second. All are of the last ten seconds.</summary>
public sealed record ApiStatus(
    string Id,
    string Host,
    DateTimeOffset Started,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    int InFlight,
    LatencyBuckets Latencies);
