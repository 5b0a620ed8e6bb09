using System.Globalization;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Drift;

/// <summary>Fixes what a version's windows are compared with. Each time is in the model's history, and so in the audit chain.</summary>
public sealed class DriftBaselines(ModelRegistry registry, DriftStore store, IOptions<DriftOptions> options, TimeProvider time)
{
    /// <summary>What a version was sent and answered last becomes its baseline, in place of the one before.</summary>
    public async Task<RegistryProblem?> FixAsync(string model, string version, string actor, CancellationToken cancellationToken)
    {
        var windows = await store.NewestAsync(
            model, version, time.GetUtcNow().AddDays(-1), since: null, role: null, options.Value.BaselineRequests, cancellationToken);
        var seen = Seen(windows);
        return seen < DriftComparison.MinRequests
            ? RegistryProblem.Conflict(
                $"{seen} requests of {model}/{version} were looked at within a day; a baseline needs {DriftComparison.MinRequests}.")
            : await SetAsync(model, version, actor, windows, replaces: true, cancellationToken);
    }

    /// <summary>The first requests that were looked at become the baseline of a version without one, once they are enough.</summary>
    public async Task<bool> FixFirstAsync(string model, string version, CancellationToken cancellationToken)
    {
        var windows = await store.OldestAsync(model, version, options.Value.BaselineRequests, cancellationToken);
        return Seen(windows) >= options.Value.BaselineRequests
            && await SetAsync(model, version, TrafficDecision.Automatic, windows, replaces: false, cancellationToken) is null;
    }

    private static int Seen(IReadOnlyList<DriftWindow> windows) =>
        windows.GroupBy(w => (w.IsOutput, w.Tensor, w.Kind)).Select(group => group.Sum(w => w.Requests)).DefaultIfEmpty().Max();

    // The model's row is held: of replicas that see at once that it is time, one fixes it.
    private Task<RegistryProblem?> SetAsync(
        string model, string version, string actor, IReadOnlyList<DriftWindow> windows, bool replaces,
        CancellationToken cancellationToken) =>
        registry.ChangeAsync(
            model,
            async change =>
            {
                if (await change.FindAsync(version, cancellationToken) is not { State: VersionState.Ready })
                {
                    return change.Unknown(version);
                }

                var before = change.Database.DriftBaselines.Where(b => b.Model == model && b.Version == version);
                if (!replaces && await before.AnyAsync(cancellationToken))
                {
                    return RegistryProblem.Conflict($"{model}/{version} has a baseline.");
                }

                await before.ExecuteDeleteAsync(cancellationToken);
                change.Database.DriftBaselines.AddRange(windows
                    .GroupBy(w => (w.IsOutput, w.Tensor, w.Kind))
                    .Select(group => Of([.. group], change.Now, actor)));
                change.Record(
                    ModelEventKinds.BaselineFixed, actor, version,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"of {Seen(windows)} requests from {windows.Min(w => w.StartedAt):O} to {windows.Max(w => w.EndedAt):O}"));
                return null;
            },
            cancellationToken);

    private static DriftBaseline Of(IReadOnlyList<DriftWindow> windows, DateTimeOffset now, string actor)
    {
        var seen = DriftDistribution.Merge([.. windows.Select(DriftDistribution.Of)], DriftDistribution.BaselinePoints);
        return new DriftBaseline
        {
            Model = windows[0].Model,
            Version = windows[0].Version,
            Tensor = windows[0].Tensor,
            IsOutput = windows[0].IsOutput,
            Kind = windows[0].Kind,
            StartedAt = windows.Min(w => w.StartedAt),
            EndedAt = windows.Max(w => w.EndedAt),
            Requests = seen.Requests,
            NotFinite = seen.NotFinite,
            Empty = seen.Empty,
            Values = [.. seen.Points.Select(p => p.Value)],
            Weights = [.. seen.Points.Select(p => p.Weight)],
            FixedAt = now,
            Actor = actor,
        };
    }
}
