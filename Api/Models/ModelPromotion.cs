using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.EntityFrameworkCore;

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

                var before = await StableAsync(change, cancellationToken);
                if (before != found.Version)
                {
                    change.Model.PreviousStable = before;
                }

                SetStable(change, found.Version);
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
                var before = await StableAsync(change, cancellationToken);
                change.Model.PreviousStable = before;
                SetStable(change, version.Version);
                change.Record(ModelEventKinds.RolledBack, actor, version.Version, $"instead of {before}");
                return null;
            },
            cancellationToken);

    // A canary that becomes the stable version is none any more.
    private static void SetStable(ModelChange change, string version)
    {
        var traffic = change.Model.Settings.Traffic;
        change.Model.Settings = change.Model.Settings with
        {
            Traffic = traffic with { Stable = version, Canary = traffic.Canary?.Version == version ? null : traffic.Canary },
        };
    }

    private static async Task<string?> StableAsync(ModelChange change, CancellationToken cancellationToken)
    {
        if (change.Model.Settings.Traffic.Stable is { } stable)
        {
            return stable;
        }

        var ready = await change.Database.ModelVersions
            .Where(v => v.Model == change.Model.Name && v.DeletedAt == null && v.State == VersionState.Ready)
            .Select(v => v.Version).ToListAsync(cancellationToken);
        return ready.MaxBy(CatalogSnapshot.NumberOf);
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
