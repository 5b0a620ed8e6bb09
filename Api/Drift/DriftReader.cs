using System.Globalization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Drift;

/// <param name="Requests">Those that were looked at now.</param>
/// <param name="Comparison">Null where either side has too few requests.</param>
public sealed record TensorDrift(
    string Tensor, bool IsOutput, string Kind, int BaselineRequests, int Requests, double NotFiniteShare, DriftComparison? Comparison,
    bool HasDrifted);

/// <param name="Baseline">When and by whom it was fixed, and of which time and how many requests; null without one.</param>
/// <param name="From">Of the requests that are compared with it; null where there are none.</param>
public sealed record VersionDrift(
    string Version, DriftBaselineFacts? Baseline, DateTimeOffset? From, DateTimeOffset? To, int Requests,
    IReadOnlyList<TensorDrift> Tensors)
{
    public bool HasDrifted => Tensors.Any(t => t.HasDrifted);
}

public sealed record DriftBaselineFacts(DateTimeOffset FixedAt, string Actor, DateTimeOffset From, DateTimeOffset To, int Requests);

/// <summary>Compares what versions do now with their baselines, and canaries with the stable version, over all Api replicas.</summary>
public sealed class DriftReader(DriftStore store, TimeProvider time)
{
    // Of either version: a canary's share of the requests may be small.
    private const int MinCanaryRequests = 100;

    // A canary is judged each second: more would be read for nothing.
    private const int MaxCanaryRequests = 2_000;

    public async Task<VersionDrift> ReadAsync(string model, string version, DriftSettings settings, CancellationToken cancellationToken)
    {
        var baselines = await store.BaselineAsync(model, version, cancellationToken);
        var windows = await store.NewestAsync(
            model, version, time.GetUtcNow() - DriftStore.LookBack, since: null, role: null, DriftComparison.MinRequests,
            cancellationToken);
        var now = ByTensor(windows);
        var before = baselines.ToDictionary(Key, DriftDistribution.Of);
        var tensors = InOrder(before.Keys.Union(now.Keys)).Select(key => Compare(
            key, before.GetValueOrDefault(key), now.GetValueOrDefault(key), DriftComparison.MinRequests, settings.Threshold,
            settings.KsThreshold)).ToList();
        return new(
            version,
            baselines.Count == 0
                ? null
                : new(
                    baselines.Max(b => b.FixedAt), baselines[0].Actor, baselines.Min(b => b.StartedAt), baselines.Max(b => b.EndedAt),
                    baselines.Max(b => b.Requests)),
            windows.Count == 0 ? null : windows.Min(w => w.StartedAt),
            windows.Count == 0 ? null : windows.Max(w => w.EndedAt),
            tensors.Count == 0 ? 0 : tensors.Max(t => t.Requests),
            tensors);
    }

    /// <summary>
    /// What a canary answers beside what the stable version answered at the same time: why it is to be rolled back, or why not yet.
    /// </summary>
    public async Task<(bool RollBack, string Reason)> OfCanaryAsync(
        string model, string canary, string stable, RollbackRule rule, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        var (least, after) = (Math.Max(rule.MinSample, MinCanaryRequests), time.GetUtcNow() - rule.Window);
        var (tried, known) = (await OutputsAsync(canary, TrafficRole.Canary), await OutputsAsync(stable, TrafficRole.Stable));
        var compared = InOrder(tried.Keys.Intersect(known.Keys))
            .Select(key => Compare(key, known[key], tried[key], least, rule.MaxOutputDrift!.Value, double.PositiveInfinity)).ToList();
        if (compared.FirstOrDefault(t => t.HasDrifted) is { Comparison: { } comparison } drifted)
        {
            return (true, string.Create(
                CultureInfo.InvariantCulture,
                $"its output '{drifted.Tensor}' ({drifted.Kind}) differs from the stable version's by a stability index of "
                + $"{comparison.Psi:0.###} over {drifted.Requests} and {drifted.BaselineRequests} requests; "
                + $"less than {rule.MaxOutputDrift:0.###} is allowed"));
        }

        var seen = compared.Count == 0 ? 0 : compared.Max(t => Math.Min(t.Requests, t.BaselineRequests));
        return (false, seen < least
            ? FormattableString.Invariant($"outputs of {seen} of the {least} requests seen that their comparison needs")
            : FormattableString.Invariant($"outputs differ by a stability index of {compared.Max(t => t.Comparison?.Psi ?? 0):0.###}"));

        async Task<Dictionary<TensorKey, DriftDistribution>> OutputsAsync(string version, TrafficRole role) => ByTensor(
            (await store.NewestAsync(model, version, after, since, role.Name(), Math.Max(least, MaxCanaryRequests), cancellationToken))
            .Where(w => w.IsOutput));
    }

    private static Dictionary<TensorKey, DriftDistribution> ByTensor(IEnumerable<DriftWindow> windows) => windows.GroupBy(Key)
        .ToDictionary(group => group.Key, group => DriftDistribution.Merge([.. group.Select(DriftDistribution.Of)]));

    private static IEnumerable<TensorKey> InOrder(IEnumerable<TensorKey> keys) => keys.OrderBy(key => key.IsOutput)
        .ThenBy(key => key.Tensor, StringComparer.Ordinal).ThenBy(key => key.Kind, StringComparer.Ordinal);

    private static TensorKey Key(DriftDistributionRow row) => new(row.IsOutput, row.Tensor, row.Kind);

    private static TensorDrift Compare(
        TensorKey key, DriftDistribution? before, DriftDistribution? now, int least, double psi, double ks)
    {
        var comparison = before?.Requests >= least && now?.Requests >= least
            ? DriftComparison.Of(before, now, DriftKinds.IsCategorical(key.Kind))
            : null;
        return new(
            key.Tensor, key.IsOutput, key.Kind, before?.Requests ?? 0, now?.Requests ?? 0,
            now is { Requests: > 0 } ? now.NotFinite / now.Requests : 0, comparison, comparison?.IsDrift(psi, ks) == true);
    }
}

/// <summary>What is compared with each other.</summary>
internal sealed record TensorKey(bool IsOutput, string Tensor, string Kind);
