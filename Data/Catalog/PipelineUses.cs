using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Catalog;

/// <summary>
/// Keeps pipelines whole: what their steps run is not deleted before they are. Whoever adds a pipeline, or deletes a version, holds the
/// row of the step's model.
/// </summary>
public static class PipelineUses
{
    private const int MaxNamed = 5;

    /// <summary>Why versions can't be deleted; null where they can. The caller has locked their model.</summary>
    /// <param name="version">Null for all of them; pipelines of the same model go with them then.</param>
    /// <param name="nameable">Models of which the caller may know; null for all.</param>
    public static async Task<RegistryProblem?> RefusalAsync(
        InferenceDbContext database, string model, string? version, IReadOnlyList<string>? nameable, CancellationToken cancellationToken)
    {
        var step = version is null
            ? new Dictionary<string, string> { ["model"] = model }
            : new Dictionary<string, string> { ["model"] = model, ["version"] = version };
        var contained = $$"""{"steps":[{{JsonSerializer.Serialize(step, StoreJson.Default.IReadOnlyDictionaryStringString)}}]}""";
        var pipelines = await database.ModelVersions.FromSql(
            $"SELECT * FROM model_versions WHERE deleted_at IS NULL AND state = 'Ready' AND metadata @> {contained}::jsonb")
            .AsNoTracking()
            .Where(v => version != null || v.Model != model)
            .Select(v => new { v.Model, v.Version, Nameable = nameable == null || nameable.Contains(v.Model) })
            .OrderByDescending(v => v.Nameable).ThenBy(v => v.Model).ThenBy(v => v.Version)
            .Take(MaxNamed + 1)
            .ToListAsync(cancellationToken);
        if (pipelines.Count == 0)
        {
            return null;
        }

        var names = pipelines.Take(MaxNamed).Where(p => p.Nameable).Select(p => $"'{p.Model}/{p.Version}'").ToList();
        var named = names.Count == 0
            ? "pipelines of models that you may not use"
            : string.Join(", ", names) + (names.Count < pipelines.Count ? " and others" : "");
        return RegistryProblem.Conflict(version is null
            ? $"A version of '{model}' is a step of {named}. Delete these pipelines first."
            : $"Version {version} of '{model}' is a step of {named}. Delete these pipelines first.");
    }

    /// <summary>Holds the models of a pipeline's steps until the transaction ends, in an order that is the same everywhere.</summary>
    internal static async Task LockStepsAsync(
        InferenceDbContext database, IReadOnlyList<PipelineStep> steps, CancellationToken cancellationToken)
    {
        foreach (var model in steps.Select(s => s.Model).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            await database.Database.ExecuteSqlAsync($"SELECT FROM models WHERE name = {model} FOR UPDATE", cancellationToken);
        }
    }

    /// <summary>Whether what they run is still there; their models are locked.</summary>
    internal static async Task CheckStepsAsync(
        InferenceDbContext database, IReadOnlyList<PipelineStep> steps, CancellationToken cancellationToken)
    {
        foreach (var step in steps)
        {
            if (!await database.ModelVersions.AnyAsync(
                v => v.Model == step.Model && v.Version == step.Version && v.State == VersionState.Ready && v.DeletedAt == null,
                cancellationToken))
            {
                throw new PipelineStepGoneException(step);
            }
        }
    }
}

/// <summary>What a step of a pipeline was to run has been deleted.</summary>
public sealed class PipelineStepGoneException(PipelineStep step)
    : Exception($"step '{step.Name}': version '{step.Version}' of '{step.Model}' was deleted meanwhile");
