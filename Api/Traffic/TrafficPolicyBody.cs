using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Traffic;

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record CanaryBody(string? Version, double? Weight, bool Sticky = false);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ShadowBody(string? Version, double Sample = 1, double Tolerance = 0.001);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record RollbackBody(
    double? MaxErrorRate, double? MaxLatencyRatio, int? MinSample, double? WindowSeconds, double? MaxOutputDrift = null);

/// <summary>A traffic policy on the wire. What is not known is refused: a misspelt canary would be lost unseen.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record TrafficPolicyBody(
    string? Stable, CanaryBody? Canary, ShadowBody? Shadow, RollbackBody? Rollback, DateTimeOffset? Since = null)
{
    public static TrafficPolicyBody From(TrafficPolicy policy) => new(
        policy.Stable,
        policy.Canary is { } canary ? new CanaryBody(canary.Version, canary.Weight, canary.Sticky) : null,
        policy.Shadow is { } shadow ? new ShadowBody(shadow.Version, shadow.Sample, shadow.Tolerance) : null,
        policy.Rollback is { } rule
            ? new RollbackBody(
                rule.MaxErrorRate, rule.MaxLatencyRatio, rule.MinSample, rule.Window.TotalSeconds, rule.MaxOutputDrift)
            : null,
        policy.Since);

    /// <summary>Valid where <see cref="Problems"/> finds nothing.</summary>
    public TrafficPolicy ToPolicy() => new()
    {
        Stable = Stable,
        Canary = Canary is { } canary ? new CanaryRule(canary.Version!, canary.Weight!.Value, canary.Sticky) : null,
        Shadow = Shadow is { } shadow ? new ShadowRule(shadow.Version!, shadow.Sample, shadow.Tolerance) : null,
        Rollback = Rollback is { } rule
            ? new RollbackRule(
                rule.MaxErrorRate!.Value, rule.MaxLatencyRatio, rule.MinSample!.Value, TimeSpan.FromSeconds(rule.WindowSeconds!.Value),
                rule.MaxOutputDrift)
            : null,
    };

    /// <summary>What is wrong, by field; empty where nothing is.</summary>
    /// <param name="versions">Those of the model among which a policy may choose.</param>
    /// <param name="whyNot">Why a version is none of them.</param>
    public Dictionary<string, string[]> Problems(IReadOnlyList<ModelVersion> versions, Func<string, string> whyNot)
    {
        var problems = new Dictionary<string, string[]>(StringComparer.Ordinal);
        Add("stable", StableProblem(versions, whyNot));
        if (Canary is not null)
        {
            Add("canary.version", CandidateProblem(Canary.Version, versions, whyNot));
            Add("canary.weight", Canary.Weight is >= 0 and <= 1 ? null : "a number from 0 to 1 expected");
        }

        if (Shadow is not null)
        {
            Add("shadow.version", CandidateProblem(Shadow.Version, versions, whyNot)
                ?? (Shadow.Version == Canary?.Version ? "this version is the canary already: it answers callers" : null));
            Add("shadow.sample", Shadow.Sample is >= 0 and <= 1 ? null : "a number from 0 to 1 expected");
            Add("shadow.tolerance", Shadow.Tolerance is >= 0 and < double.PositiveInfinity ? null : "a number from 0 on expected");
        }

        if (Rollback is not null)
        {
            Add("rollback", Canary is null ? "there is no canary to roll back" : null);
            Add("rollback.max_error_rate", Rollback.MaxErrorRate is >= 0 and <= 1 ? null : "a number from 0 to 1 expected");
            Add("rollback.max_latency_ratio", Rollback.MaxLatencyRatio is null or >= 1 ? null : "a number from 1 on expected, or null");
            Add("rollback.max_output_drift",
                Rollback.MaxOutputDrift is null or (>= 0.02 and <= 10) ? null : "a number from 0.02 to 10 expected, or null");
            Add("rollback.min_sample", Rollback.MinSample is >= 1 ? null : "a whole number from 1 on expected");
            Add("rollback.window_seconds",
                Rollback.WindowSeconds >= 10 && Rollback.WindowSeconds <= TrafficOutcomes.Longest.TotalSeconds
                    ? null
                    : $"a number from 10 to {TrafficOutcomes.Longest.TotalSeconds} expected");
        }

        return problems;

        void Add(string field, string? problem)
        {
            if (problem is not null)
            {
                problems[field] = [problem];
            }
        }
    }

    // Without a name, the highest version would be stable: that may be the very one that is being tried.
    private string? StableProblem(IReadOnlyList<ModelVersion> versions, Func<string, string> whyNot) => Stable is null
        ? Canary is null && Shadow is null ? null : "with a canary or a shadow the stable version must be named"
        : versions.Any(v => v.Version == Stable) ? null : whyNot(Stable);

    private string? CandidateProblem(string? version, IReadOnlyList<ModelVersion> versions, Func<string, string> whyNot)
    {
        if (string.IsNullOrEmpty(version))
        {
            return "missing";
        }

        if (versions.FirstOrDefault(v => v.Version == version) is not { } candidate)
        {
            return whyNot(version);
        }

        if (version == Stable)
        {
            return "this version is the stable one already";
        }

        return versions.FirstOrDefault(v => v.Version == Stable) is { } stable
            ? SignatureCompatibility.Problem(stable.Signature, candidate.Signature)
            : null;
    }
}
