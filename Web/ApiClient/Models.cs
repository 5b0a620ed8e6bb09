using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>GET /v1/models</c> answers.</summary>
public sealed record ModelList(IReadOnlyList<ModelSummary> Models);

/// <param name="Stable">The version that answers a request that names none; null for the highest.</param>
public sealed record ModelSummary(string Name, string? Stable, IReadOnlyList<string> Versions, DateTimeOffset UpdatedAt);

/// <summary>What <c>GET /v1/models/{model}</c> answers.</summary>
/// <param name="Residency"><c>unload</c> where it is out of service.</param>
/// <param name="Settings">As the Api has them; the form knows some of them, and keeps the others.</param>
public sealed record ModelDetails(
    string Name, string? Stable, string? PreviousStable, IReadOnlyDictionary<string, string> Aliases,
    IReadOnlyList<VersionDetails> Versions, string? Residency = null, JsonObject? Settings = null)
{
    /// <summary>Of the settings that were read.</summary>
    [JsonIgnore]
    public string? SettingsTag { get; init; }

    [JsonIgnore]
    public bool IsOutOfService => Residency == "unload";

    /// <summary>The versions that can answer, lowest first.</summary>
    public IEnumerable<string> Ready => Versions.Where(version => version.State == "ready").Select(version => version.Version)
        .OrderBy(version => long.TryParse(version, CultureInfo.InvariantCulture, out var number) ? number : 0);

    /// <summary>The version that answers a request that names none; null where none can.</summary>
    public string? Serving => Stable is not null && Ready.Contains(Stable) ? Stable : Ready.LastOrDefault();
}

/// <summary>A version of a model. <paramref name="State"/> is <c>pending</c>, <c>ready</c> or <c>rejected</c>.</summary>
/// <param name="Reason">Why it was rejected.</param>
public sealed record VersionDetails(
    string Version,
    string State,
    string? Reason,
    string Sha256,
    long SizeBytes,
    long MemoryBytes,
    IReadOnlyList<TensorSignature> Inputs,
    IReadOnlyList<TensorSignature> Outputs,
    BatchDecision Batching,
    string? CreatedBy,
    DateTimeOffset CreatedAt,
    VersionMetadata? Metadata = null,
    IReadOnlyDictionary<string, string>? Labels = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(VersionDetails? other) => other is not null && other.Version == Version;

    public override int GetHashCode() => string.GetHashCode(Version, StringComparison.Ordinal);
}

/// <summary>What the maker of a version wrote into its file.</summary>
/// <param name="Opsets">Version of each operator set, by domain.</param>
/// <param name="Steps">Those of a pipeline.</param>
public sealed record VersionMetadata(
    string Producer, string Description, IReadOnlyDictionary<string, long> Opsets, IReadOnlyDictionary<string, string> Properties,
    IReadOnlyList<PipelineStep>? Steps = null);

public sealed record PipelineStep(string Name, string Model, string Version);

/// <summary>What <c>GET /v1/models/{model}/events</c> answers.</summary>
public sealed record ModelHistory(IReadOnlyList<ModelEvent> Events);

public sealed record ModelEvent(DateTimeOffset At, string Kind, string? Version, string Actor, string? Details);

/// <summary>The body of a promotion.</summary>
public sealed record Promotion(string Version);

/// <summary>Which version answers. Shares are from 0 to 1.</summary>
public sealed record TrafficPolicy(string? Stable, CanaryRule? Canary = null, ShadowRule? Shadow = null, RollbackRule? Rollback = null);

public sealed record CanaryRule(string Version, double Weight, bool Sticky = false);

/// <param name="Tolerance">By how much outputs may differ and still agree.</param>
public sealed record ShadowRule(string Version, double Sample, double Tolerance = 0.001);

public sealed record RollbackRule(
    double MaxErrorRate, double? MaxLatencyRatio, int MinSample, double WindowSeconds, double? MaxOutputDrift = null);

/// <summary>What <c>GET /v1/models/{model}/traffic/status</c> answers.</summary>
/// <param name="Decisions">The latest, newest first.</param>
/// <param name="Evaluation">Null without a canary that has a rule.</param>
public sealed record TrafficStatus(
    TrafficPolicy Policy, double WindowSeconds, IReadOnlyList<VersionOutcome> Versions, ShadowOutcome? Shadow,
    IReadOnlyList<TrafficDecision> Decisions, CanaryEvaluation? Evaluation = null);

/// <param name="Reason">The numbers that it rests on, or how many are missing.</param>
public sealed record CanaryEvaluation(bool RollBack, string Reason);

/// <summary>How a version did in the window. <paramref name="Role"/> is <c>stable</c>, <c>canary</c> or another word of the Api.</summary>
/// <param name="Compute">Of the runs alone, which a rollback compares.</param>
public sealed record VersionOutcome(
    string Version, string Role, long Requests, long Errors, double ErrorRate, OutcomeTimes Total, OutcomeTimes? Compute = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(VersionOutcome? other) => other is not null && other.Version == Version && other.Role == Role;

    public override int GetHashCode() => HashCode.Combine(Version, Role);
}

/// <summary>Seconds; null without traffic.</summary>
public sealed record OutcomeTimes(double? Mean, double? P95);

/// <param name="Agreement">Part of the compared answers that agree, from 0 to 1; null without any.</param>
public sealed record ShadowOutcome(string Version, long Compared, long Failed, double? Agreement);

/// <summary>What <c>GET /v1/models/{model}/drift</c> answers: the stable version, and the canary where there is one.</summary>
public sealed record ModelDrift(DriftSettings Settings, IReadOnlyList<VersionDrift> Versions);

public sealed record DriftSettings(bool Enabled);

/// <summary><paramref name="State"/> is <c>no_baseline</c>, <c>collecting</c>, <c>steady</c> or <c>drifted</c>.</summary>
public sealed record VersionDrift(
    string Version, string State, DriftBaseline? Baseline, int Requests, IReadOnlyList<TensorDrift> Tensors);

public sealed record DriftBaseline(DateTimeOffset FixedAt, string Actor, int Requests);

/// <param name="Kind"><c>numbers</c>, <c>categories</c> or <c>class</c>.</param>
/// <param name="Psi">Population stability index; null while too few requests were looked at.</param>
/// <param name="Ks">Kolmogorov-Smirnov distance; null for categories too.</param>
public sealed record TensorDrift(
    string Name, string Direction, string Kind, string State, int Requests, double NotFiniteShare, double? Psi, double? Ks);
