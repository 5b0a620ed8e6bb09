using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary>Which version answers requests that name none.</summary>
/// <param name="Previous">Where a rollback goes; null where there was none.</param>
public sealed record StableVersion(string Model, string Stable, string? Previous);

/// <summary>Chooses the stable version, and goes back to the one before.</summary>
public sealed class ModelPromotion(ModelRegistry registry)
{
    /// <param name="version">A number or an alias.</param>
    public Task<(StableVersion? Stable, RegistryProblem? Problem)> PromoteAsync(
        string model, string version, string actor, CancellationToken cancellationToken) =>
        ChangeAsync(
            model,
            async change =>
            {
                if (await change.FindAsync(version, cancellationToken) is not { } found)
                {
                    return RegistryProblem.Invalid("version", $"there is no version '{version}' of '{model}'");
                }

                if (found.State != VersionState.Ready)
                {
                    return RegistryProblem.Conflict(
                        $"Version {found.Version} of '{model}' is {found.State.ToString().ToLowerInvariant()}; only a ready one can be promoted.", "version");
                }

                var before = await SetStableAsync(change, found.Version, cancellationToken);
                change.Record(ModelEventKinds.Promoted, actor, found.Version, before is null ? null : $"instead of {before}");
                return null;
            },
            cancellationToken);

    public Task<(StableVersion? Stable, RegistryProblem? Problem)> RollBackAsync(
        string model, string actor, CancellationToken cancellationToken) =>
        ChangeAsync(
            model,
            async change =>
            {
                if (change.Model.PreviousStable is not { } previous
                    || await change.FindAsync(previous, cancellationToken) is not { } version)
                {
                    return RegistryProblem.Conflict(
                        $"There is nothing to roll back to: no version of '{model}' was stable before, or it is deleted.");
                }

                // Going back once more goes forward again.
                var before = await SetStableAsync(change, version.Version, cancellationToken);
                change.Record(ModelEventKinds.RolledBack, actor, version.Version, $"instead of {before}");
                return null;
            },
            cancellationToken);

    // Returns what was stable until now.
    private static async Task<string?> SetStableAsync(ModelChange change, string version, CancellationToken cancellationToken)
    {
        var ready = await change.ReadyAsync(cancellationToken);
        var before = change.StableOf(ready);
        change.SetPolicy(change.Model.Settings.Traffic.WithStable(version), ready);
        return before;
    }

    private async Task<(StableVersion? Stable, RegistryProblem? Problem)> ChangeAsync(
        string model, Func<ModelChange, Task<RegistryProblem?>> change, CancellationToken cancellationToken)
    {
        StableVersion? stable = null;
        var problem = await registry.ChangeAsync(
            model,
            async made =>
            {
                var problem = await change(made);
                stable = problem is null ? new StableVersion(model, made.Model.Settings.Traffic.Stable!, made.Model.PreviousStable) : null;
                return problem;
            },
            cancellationToken);
        return (stable, problem);
    }
}
