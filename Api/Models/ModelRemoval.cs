using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Models;

/// <summary>Removes versions and models. Rows of versions stay, marked; files go with the last version that is made of them.</summary>
public sealed class ModelRemoval(ModelRegistry registry, ArtifactStore artifacts)
{
    /// <param name="force">Whether also a version goes that requests are sent to; aliases and traffic rules that name it go with
    /// it. One that is a step of a pipeline never goes before that does.</param>
    /// <param name="nameable">Models of which the refusal may tell; null for all.</param>
    public async Task<RegistryProblem?> DeleteVersionAsync(
        string model, string version, bool force, string actor, CancellationToken cancellationToken,
        IReadOnlyList<string>? nameable = null)
    {
        Guid? unneeded = null;
        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                if (await change.Database.ModelVersions.FindAsync([model, version], cancellationToken) is not { DeletedAt: null } row)
                {
                    return change.Unknown(version);
                }

                // Not by force either: nothing could be put in the step's place.
                if (await PipelineUses.RefusalAsync(change.Database, model, version, nameable, cancellationToken) is { } refusal)
                {
                    return refusal;
                }

                var uses = await UsesAsync(change, version, cancellationToken);
                if (uses.Count > 0 && !force)
                {
                    return RegistryProblem.Conflict(
                        $"Version {version} of '{model}' is {string.Join(" and ", uses)}. Move that first, or delete with ?force=true.");
                }

                await ForgetAsync(change, version, cancellationToken);
                row.DeletedAt = change.Now;
                change.Record(
                    ModelEventKinds.Deleted, actor, version, uses.Count > 0 ? $"forced; it was {string.Join(" and ", uses)}" : null);
                await change.Database.SaveChangesAsync(cancellationToken);
                await change.Database.SampleRequests.Where(s => s.Model == model && s.Version == version)
                    .ExecuteDeleteAsync(cancellationToken);
                unneeded = await ArtifactReferences.ReleaseAsync(change.Database, row.Sha256, change.Now, cancellationToken);
                return null;
            },
            cancellationToken);
        if (unneeded is { } blob)
        {
            await artifacts.DiscardAsync(blob);
        }

        return problem;
    }

    /// <summary>Removes all versions and aliases of a model, and its settings.</summary>
    public async Task<RegistryProblem?> DeleteModelAsync(
        string model, string actor, CancellationToken cancellationToken, IReadOnlyList<string>? nameable = null)
    {
        var unneeded = new List<Guid>();
        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                if (await PipelineUses.RefusalAsync(change.Database, model, version: null, nameable, cancellationToken) is { } refusal)
                {
                    return refusal;
                }

                var versions = await change.Database.ModelVersions
                    .Where(v => v.Model == model && v.DeletedAt == null).ToListAsync(cancellationToken);
                await change.Database.ModelAliases.Where(a => a.Model == model).ExecuteDeleteAsync(cancellationToken);
                versions.ForEach(v => v.DeletedAt = change.Now);
                (change.Model.Settings, change.Model.PreviousStable, change.Model.Residency) = (new ModelSettings(), null, Residency.Auto);
                change.Record(ModelEventKinds.Deleted, actor, details: $"{versions.Count} versions");
                await change.Database.SaveChangesAsync(cancellationToken);
                await change.Database.SampleRequests.Where(s => s.Model == model).ExecuteDeleteAsync(cancellationToken);

                // In one order everywhere, so that two deletions can't wait for each other.
                foreach (var sha256 in versions.Select(v => v.Sha256).Distinct().Order(StringComparer.Ordinal))
                {
                    if (await ArtifactReferences.ReleaseAsync(change.Database, sha256, change.Now, cancellationToken) is { } blob)
                    {
                        unneeded.Add(blob);
                    }
                }

                return null;
            },
            cancellationToken);
        foreach (var blob in problem is null ? unneeded : [])
        {
            await artifacts.DiscardAsync(blob);
        }

        return problem;
    }

    private static async Task<List<string>> UsesAsync(ModelChange change, string version, CancellationToken cancellationToken)
    {
        var traffic = change.Model.Settings.Traffic;
        var uses = new List<string>();

        // Also one that nobody named, where another would then answer in its place.
        var ready = await change.ReadyAsync(cancellationToken);
        if (traffic.Stable == version || (ready.Count > 1 && change.StableOf(ready) == version))
        {
            uses.Add("the stable version");
        }

        if (traffic.Canary?.Version == version)
        {
            uses.Add("the canary");
        }

        if (traffic.Shadow?.Version == version)
        {
            uses.Add("the shadow");
        }

        var aliases = await change.Database.ModelAliases
            .Where(a => a.Model == change.Model.Name && a.Version == version).Select(a => a.Alias).ToListAsync(cancellationToken);
        uses.AddRange(aliases.Select(a => $"the target of the alias '{a}'"));
        return uses;
    }

    private static async Task ForgetAsync(ModelChange change, string version, CancellationToken cancellationToken)
    {
        await change.Database.ModelAliases
            .Where(a => a.Model == change.Model.Name && a.Version == version).ExecuteDeleteAsync(cancellationToken);
        var traffic = change.Model.Settings.Traffic;
        change.Model.Settings = change.Model.Settings with
        {
            Traffic = traffic with
            {
                Stable = traffic.Stable == version ? null : traffic.Stable,
                Canary = traffic.Canary?.Version == version ? null : traffic.Canary,
                Shadow = traffic.Shadow?.Version == version ? null : traffic.Shadow,
            },
        };
        if (change.Model.PreviousStable == version)
        {
            change.Model.PreviousStable = null;
        }
    }
}
