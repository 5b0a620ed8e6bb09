using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Overview;

/// <summary>Seconds at three quantiles of the last ten seconds' requests; null without traffic.</summary>
internal sealed record LatencyQuantiles(double? P50, double? P95, double? P99)
{
    public static LatencyQuantiles Of(LatencyBuckets buckets) =>
        new(buckets.Quantile(0.50), buckets.Quantile(0.95), buckets.Quantile(0.99));
}

internal sealed record ApiOverview(
    string Id,
    string Host,
    DateTimeOffset Started,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    double RejectionsPerSecond,
    int InFlight,
    double? P50,
    double? P95,
    double? P99);

/// <param name="State"><see cref="ModelState"/> in lower case.</param>
/// <param name="Workers">How many have it open.</param>
/// <param name="Batching">Whether requests of different callers share runs, and why.</param>
/// <param name="ImageInput">The input that takes JPEG and PNG; null where none does.</param>
internal sealed record ModelOverview(
    string Name,
    string Version,
    string Platform,
    string State,
    int Workers,
    long QueueDepth,
    BatchDecision Batching,
    TensorMetadata[] Inputs,
    TensorMetadata[] Outputs,
    string? ImageInput);

/// <summary>The answer of <c>GET /v1/overview</c>: all replicas, as they told the fleet within the last seconds.</summary>
/// <param name="RequestsPerSecond">Requests for inference, however they ended.</param>
/// <param name="ErrorsPerSecond">Of them, those answered with a 5xx.</param>
/// <param name="RejectionsPerSecond">Of them, those answered with a 4xx.</param>
/// <param name="QueueDepth">Requests waiting or running, over all models.</param>
/// <param name="OldestWaitSeconds">Age of the oldest request that waits or runs; zero where there is none.</param>
/// <param name="DeadLetters">Requests that were given up, over all models.</param>
/// <param name="PendingJobs">Jobs of all tenants that are queued or run, at most five seconds old; null while Postgres can't tell.</param>
/// <param name="TrafficDecisions">The latest changes of traffic policies and stable versions, newest first.</param>
internal sealed record PlatformOverview(
    DateTimeOffset Time,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    double RejectionsPerSecond,
    LatencyQuantiles Latency,
    long QueueDepth,
    double OldestWaitSeconds,
    long DeadLetters,
    long? PendingJobs,
    int InFlight,
    ApiOverview[] Apis,
    WorkerStatus[] Workers,
    ModelOverview[] Models,
    DecisionStatus[] TrafficDecisions);
