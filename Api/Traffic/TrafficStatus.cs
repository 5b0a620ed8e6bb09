using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Traffic;

/// <param name="Mean">Seconds; null without requests, as is the other.</param>
/// <param name="P95">At most a quarter too high.</param>
internal sealed record TimeStatus(double? Mean, double? P95);

/// <param name="Role"><c>stable</c>, <c>canary</c> or <c>shadow</c>.</param>
/// <param name="Errors">Requests that ended in 504, could not be run, or made the model fail.</param>
internal sealed record VersionStatus(
    string Version, string Role, long Requests, long Errors, double ErrorRate, TimeStatus Compute, TimeStatus Total, decimal Cost);

internal sealed record ShadowStatus(
    string Version, long Compared, long Agreed, long Failed, double? Agreement, double? MaxDifference, double? MeanComputeRatio);

internal sealed record EvaluationStatus(bool RollBack, string Reason);

/// <summary>Who changed which version answers, when and why.</summary>
/// <param name="Action">
/// Of the policy <c>set</c>, <c>cleared</c> or <c>rolled_back</c> (the canary); of the stable version <c>promoted</c> or
/// <c>stable_rolled_back</c>.
/// </param>
/// <param name="Version">That was rolled back, or is stable since.</param>
/// <param name="Reason">The numbers that a rollback of a canary rests on; else what changed.</param>
public sealed record DecisionStatus(
    string Model, DateTimeOffset DecidedAt, string Action, string Actor, string? Version, string? Reason)
{
    internal const string StableRolledBack = "stable_rolled_back";
}

/// <summary>The answer of <c>GET /v1/models/{m}/traffic/status</c>.</summary>
/// <param name="WindowSeconds">How far back is looked: the rule's window, or five minutes; never before the policy began.</param>
/// <param name="Shadow">Null where nothing is mirrored.</param>
/// <param name="Evaluation">Null without a canary that has a rule.</param>
/// <param name="Decisions">The latest, newest first.</param>
internal sealed record TrafficStatus(
    string Model,
    TrafficPolicyBody Policy,
    double WindowSeconds,
    VersionStatus[] Versions,
    ShadowStatus? Shadow,
    EvaluationStatus? Evaluation,
    DecisionStatus[] Decisions);

/// <summary>Gathers what all replicas have seen of a model's versions.</summary>
internal sealed class TrafficStatusReader(
    TrafficPolicyStore policies,
    ShadowComparisonStore comparisons,
    TrafficOutcomes outcomes,
    CanaryJudge judge,
    ModelCatalog catalog,
    TimeProvider time)
{
    private const int Decisions = 20;

    private static readonly TimeSpan DefaultWindow = TimeSpan.FromMinutes(5);

    /// <returns>Null when there is no such model.</returns>
    public async Task<TrafficStatus?> ReadAsync(string model, CancellationToken cancellationToken)
    {
        var versions = (await catalog.SnapshotAsync(cancellationToken)).ReadyOf(model);
        if (await policies.FindAsync(model, cancellationToken) is not { } policy
            || policy.StableOf([.. versions.Select(v => v.Version)]) is not { } stable)
        {
            return null;
        }

        var window = policy.Rollback?.Window ?? DefaultWindow;
        var roles = new List<(string Version, TrafficRole Role)>
        {
            (stable, TrafficRole.Stable),
        };
        if (policy.Canary is { } canary)
        {
            roles.Add((canary.Version, TrafficRole.Canary));
        }

        if (policy.Shadow is { } shadow)
        {
            roles.Add((shadow.Version, TrafficRole.Shadow));
        }

        var evaluation = await judge.EvaluationAsync(model, policy, cancellationToken);
        return new TrafficStatus(
            model,
            TrafficPolicyBody.From(policy),
            window.TotalSeconds,
            await Task.WhenAll(roles.Select(async r =>
                ToStatus(r.Version, r.Role, await outcomes.ReadAsync(model, r.Version, policy.Since, window)))),
            await ShadowAsync(model, policy, window, cancellationToken),
            evaluation is null ? null : new EvaluationStatus(evaluation.RollBack, evaluation.Reason),
            [.. await policies.DecisionsAsync(model, Decisions, cancellationToken)]);
    }

    private static VersionStatus ToStatus(string version, TrafficRole role, VersionOutcomes seen) => new(
        version,
        role.Name(),
        seen.Requests,
        seen.Errors,
        seen.ErrorRate,
        new TimeStatus(seen.MeanCompute, seen.Compute.Quantile(0.95)),
        new TimeStatus(seen.MeanTotal, seen.Total.Quantile(0.95)),
        seen.Cost);

    private async Task<ShadowStatus?> ShadowAsync(string model, TrafficPolicy policy, TimeSpan window, CancellationToken cancellationToken)
    {
        if (policy.Shadow is not { } shadow)
        {
            return null;
        }

        var from = time.GetUtcNow() - window;
        var summary = await comparisons.SummariseAsync(
            model, shadow.Version, policy.Since > from ? policy.Since.Value : from, cancellationToken);
        return new ShadowStatus(
            shadow.Version,
            summary.Compared,
            summary.Agreed,
            summary.Failed,
            summary.Compared == 0 ? null : (double)summary.Agreed / summary.Compared,
            summary.MaxDifference is { } difference && double.IsFinite(difference) ? difference : null,
            summary.MeanComputeRatio);
    }
}
