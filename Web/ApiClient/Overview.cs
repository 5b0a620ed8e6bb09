using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>GET /v1/overview</c> answers: the whole system at one moment.</summary>
/// <param name="Time">When the Api took the snapshot, UTC.</param>
/// <param name="RequestsPerSecond">Requests for inference that ended, all Api replicas together.</param>
/// <param name="ErrorsPerSecond">Of them, those answered with a 5xx.</param>
/// <param name="RejectionsPerSecond">Of them, those answered with a 4xx.</param>
/// <param name="Latency">Percentiles over all replicas.</param>
/// <param name="QueueDepth">Requests waiting or running in the workers, over all models.</param>
/// <param name="OldestWaitSeconds">Age of the oldest of them.</param>
/// <param name="InFlight">Requests that the Api has accepted and not yet answered.</param>
/// <param name="Apis">The live Api replicas.</param>
/// <param name="Workers">The live workers.</param>
/// <param name="Models">One entry a model version.</param>
/// <param name="TrafficDecisions">The latest changes of traffic policies and stable versions, newest first; null from an older Api.</param>
/// <param name="DeadLetters">Requests that were given up.</param>
public sealed record Overview(
    DateTimeOffset Time,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    double RejectionsPerSecond,
    LatencyPercentiles Latency,
    long QueueDepth,
    double OldestWaitSeconds,
    long InFlight,
    IReadOnlyList<ApiReplica> Apis,
    IReadOnlyList<WorkerInstance> Workers,
    IReadOnlyList<ModelVersion> Models,
    IReadOnlyList<TrafficDecision>? TrafficDecisions = null,
    long DeadLetters = 0,
    long? PendingJobs = null);

/// <summary>
/// A change of a model's traffic policy (<paramref name="Action"/> <c>set</c>, <c>cleared</c>, <c>rolled_back</c>) or stable version
/// (<c>promoted</c>, <c>stable_rolled_back</c>).
/// </summary>
/// <param name="Actor">Name of the API key, or <c>automatic</c>.</param>
/// <param name="Version">The version that was rolled back, or is stable since.</param>
/// <param name="Reason">The numbers that a rollback rests on, or what changed.</param>
public sealed record TrafficDecision(
    string Model, DateTimeOffset DecidedAt, string Action, string Actor, string? Version, string? Reason);

/// <summary>Latency in seconds; null where there was no traffic.</summary>
public sealed record LatencyPercentiles(double? P50, double? P95, double? P99);

/// <summary>What <c>GET /v1/overview/history</c> answers, the oldest first.</summary>
/// <param name="Models">The versions that had traffic; null from an older Api.</param>
public sealed record TrafficHistory(
    double StepSeconds, IReadOnlyList<TrafficPoint> Points, IReadOnlyList<VersionTraffic>? Models = null)
{
    /// <summary>When the last step ended: a point is at the beginning of its step.</summary>
    [JsonIgnore]
    public DateTimeOffset End => Points is [.., var last] ? last.At.AddSeconds(StepSeconds) : default;
}

/// <summary>What a version did: a number for each of the points, latencies in seconds.</summary>
public sealed record VersionTraffic(
    string Model, string Version, IReadOnlyList<double> RequestsPerSecond, IReadOnlyList<double> ErrorsPerSecond,
    IReadOnlyList<double?> P50, IReadOnlyList<double?> P95);

/// <summary>What <c>GET /v1/overview/changes</c> answers, the newest first.</summary>
public sealed record PlatformChanges(IReadOnlyList<PlatformChange> Changes);

/// <param name="Kind">Such as <c>promoted</c> or <c>canary_set</c>.</param>
public sealed record PlatformChange(DateTimeOffset At, string Kind, string Model, string? Version, string Actor, string? Details);

/// <summary>Traffic of one step; latencies in seconds, null without traffic. The queue's are the worst that was seen.</summary>
public sealed record TrafficPoint(
    DateTimeOffset At, double RequestsPerSecond, double ErrorsPerSecond, double RejectionsPerSecond, double? P50, double? P95, double? P99,
    long? QueueDepth = null, double? OldestWaitSeconds = null);

/// <summary>One Api process. Percentiles in seconds, null where it had no traffic.</summary>
public sealed record ApiReplica(
    string Id,
    string Host,
    DateTimeOffset Started,
    double RequestsPerSecond,
    double ErrorsPerSecond,
    double RejectionsPerSecond,
    long InFlight,
    double? P50,
    double? P95,
    double? P99)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(ApiReplica? other) => other is not null && other.Id == Id;

    public override int GetHashCode() => string.GetHashCode(Id, StringComparison.Ordinal);
}

/// <summary>One Worker process. <paramref name="Models"/> are <c>name/version</c>.</summary>
/// <param name="CpuCores">Cores that it used over the last second; null from an older worker.</param>
/// <param name="MemoryBytes">Resident bytes of its process; null from an older worker.</param>
/// <param name="State"><c>starting</c>, <c>ready</c>, <c>draining</c> or <c>drained</c>; null for one that can't be drained.</param>
public sealed record WorkerInstance(
    string Id,
    string Host,
    DateTimeOffset Started,
    bool Ready,
    string Device,
    string ExecutionProvider,
    IReadOnlyList<string> Models,
    double InferencesPerSecond,
    double ExecutionsPerSecond,
    double? MeanBatchSize,
    long InFlight,
    long ModelMemoryLimit = 0,
    IReadOnlyList<OpenModel>? Cache = null,
    IReadOnlyList<ModelFailure>? Failures = null,
    IReadOnlyList<Gpu>? Gpus = null,
    string? State = null,
    double? CpuCores = null,
    long? MemoryBytes = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(WorkerInstance? other) => other is not null && other.Id == Id;

    public override int GetHashCode() => string.GetHashCode(Id, StringComparison.Ordinal);

    /// <summary>Whether an administrator has it take nothing new, whatever it still has to finish.</summary>
    public bool IsDrained => State is "draining" or "drained";

    /// <summary>What it does, also for a worker of an older build, which does not say.</summary>
    public string Standing => State ?? (Ready ? "ready" : "starting");
}

/// <summary>A model that a worker holds, as <c>name/version</c>.</summary>
/// <param name="BatchRows">Rows that it runs together where enough wait, as it has learned; null before its first run.</param>
public sealed record OpenModel(string Model, string State, long Bytes, DateTimeOffset LastUsed, int? BatchRows = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(OpenModel? other) => other is not null && other.Model == Model;

    public override int GetHashCode() => string.GetHashCode(Model, StringComparison.Ordinal);
}

/// <summary>A model that a worker could not open.</summary>
public sealed record ModelFailure(string Model, string Reason, DateTimeOffset RetryAt);

/// <param name="Utilization">From 0 to 1; null where the device does not tell.</param>
public sealed record Gpu(string Name, double? Utilization, long? MemoryUsed, long? MemoryTotal);

/// <summary>
/// One version of a model. <paramref name="State"/> is <c>ready</c>, <c>cold</c> (opened for the first request), <c>loading</c> or
/// <c>unavailable</c>.
/// </summary>
/// <param name="ImageInput">The input that takes JPEG and PNG; null where none does.</param>
public sealed record ModelVersion(
    string Name,
    string Version,
    string Platform,
    string State,
    int Workers,
    long QueueDepth,
    BatchDecision? Batching,
    IReadOnlyList<TensorSignature> Inputs,
    IReadOnlyList<TensorSignature> Outputs,
    string? ImageInput = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(ModelVersion? other) => other is not null && other.Name == Name && other.Version == Version;

    public override int GetHashCode() => HashCode.Combine(Name, Version);
}

/// <summary>Whether requests of different callers share runs of a version, and why.</summary>
public sealed record BatchDecision(bool Batched, string Reason);

/// <summary>A tensor as the Open Inference Protocol names it; -1 is a dimension of any size.</summary>
public sealed record TensorSignature(string Name, string Datatype, IReadOnlyList<long> Shape);
