namespace InferenceTemplate.Inference.Fleet;

/// <summary>What one Api replica says of itself each second. Latencies are seconds over the last ten; null without traffic.</summary>
public sealed record ApiStatus(
    string Id,
    string Host,
    DateTimeOffset Started,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    int InFlight,
    double? P50,
    double? P95,
    double? P99,
    LatencyBuckets Latencies);
