using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data.Artifacts;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Catalog;

/// <summary>A version to be added. Where no number is given it gets the next.</summary>
public sealed record NewVersion(string Model, string? Version, StagedArtifact Artifact, string CreatedBy)
{
    /// <summary>What the file was found to be; null where a worker has yet to open it.</summary>
    public InspectedModel? Inspected { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Names for it that nobody has given to another version.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The models that whoever uploads it may use; null for all. No pipeline is made of others.</summary>
    public IReadOnlyList<string>? UploaderModels { get; init; }

    /// <summary>
    /// The version of the model that answers requests which name none, where nobody has chosen one; null for the highest.
    /// </summary>
    public string? Stable { get; init; }
}

/// <summary>What a file that could be opened is.</summary>
/// <param name="Batching">Null where it was not tried whether rows are independent.</param>
public sealed record InspectedModel(ModelSignature Signature, VersionMetadata Metadata, long MemoryBytes, BatchProof? Batching = null);

/// <summary>Changes to the registry: each in one transaction with its entry in the history, and made known when it is done.</summary>
public sealed class ModelRegistry(
    IDbContextFactory<InferenceDbContext> contexts, ArtifactStore artifacts, CatalogChangeNotifier notifier, TimeProvider time)
{
    public const string Platform = "onnxruntime_onnx";

    /// <summary>Of pipelines, as Triton's clients know it.</summary>
    public const string PipelinePlatform = "ensemble";

    /// <summary>Changes a model that has versions; nothing is written where the change says that something is wrong.</summary>
    public async Task<RegistryProblem?> ChangeAsync(
        string model, Func<ModelChange, Task<RegistryProblem?>> change, CancellationToken cancellationToken)
    {
        await using (var database = await contexts.CreateDbContextAsync(cancellationToken))
        {
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            if (await LockAsync(database, model, cancellationToken) is not { } row
                || !await database.ModelVersions.AnyAsync(v => v.Model == model && v.DeletedAt == null, cancellationToken))
            {
                return RegistryProblem.NotFound($"There is no model '{model}'.");
            }

            if (await change(new ModelChange(database, row, time.GetUtcNow())) is { } problem)
            {
                return problem;
            }

            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        await notifier.PublishAsync(cancellationToken);
        return null;
    }

    /// <summary>Adds a version for a staged file, which is discarded where it is not needed.</summary>
    public async Task<(ModelVersion? Version, RegistryProblem? Problem)> AddAsync(NewVersion added, CancellationToken cancellationToken)
    {
        ModelVersion? version = null;
        var kept = false;
        try
        {
            (version, kept) = await InsertAsync(added, cancellationToken);
        }
        finally
        {
            if (!kept)
            {
                await artifacts.DiscardAsync(added.Artifact.Blob);
            }
        }

        if (version is null)
        {
            return (null, RegistryProblem.Conflict(
                $"Version {added.Version} of '{added.Model}' exists, or has existed: a version never changes. Give another, or none for the next.",
                "version"));
        }

        await notifier.PublishAsync(cancellationToken);
        return (version, null);
    }

    /// <summary>Gives a version, whose file the store does not have, that file again.</summary>
    public async Task RestoreAsync(StagedArtifact artifact, CancellationToken cancellationToken)
    {
        var kept = false;
        try
        {
            await using var database = await contexts.CreateDbContextAsync(cancellationToken);
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            kept = await ArtifactReferences.CommitAsync(database, artifact, time.GetUtcNow(), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        finally
        {
            if (!kept)
            {
                await artifacts.DiscardAsync(artifact.Blob);
            }
        }
    }

    private async Task<(ModelVersion? Version, bool Kept)> InsertAsync(NewVersion added, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($$"""
            INSERT INTO models (name, settings, created_at, updated_at) VALUES ({{added.Model}}, '{}', {{now}}, {{now}}) ON CONFLICT DO NOTHING
            """, cancellationToken);
        var model = (await LockAsync(database, added.Model, cancellationToken))!;

        // The deleted ones count too: a number means one file for ever.
        var taken = await database.ModelVersions.Where(v => v.Model == added.Model).Select(v => v.Version).ToListAsync(cancellationToken);
        if (added.Version is not null && taken.Contains(added.Version))
        {
            return (null, false);
        }

        var version = new ModelVersion
        {
            Model = added.Model,
            Version = added.Version ?? $"{taken.Select(CatalogSnapshot.NumberOf).DefaultIfEmpty().Max() + 1}",
            Platform = Platform,
            Sha256 = added.Artifact.Sha256,
            SizeBytes = added.Artifact.SizeBytes,
            State = added.Inspected is null ? VersionState.Pending : VersionState.Ready,
            Signature = added.Inspected?.Signature ?? new ModelSignature([], []),
            Metadata = added.Inspected?.Metadata ?? UploaderScope.Of(added.UploaderModels),
            MemoryBytes = added.Inspected?.MemoryBytes ?? 0,
            BatchProof = await VersionInspections.KnownOfAsync(
                database, added.Artifact.Sha256, added.Inspected?.Batching, cancellationToken),
            Labels = added.Labels,
            CreatedBy = added.CreatedBy,
            RegisteredAt = now,
        };
        var kept = await ArtifactReferences.CommitAsync(database, added.Artifact, now, cancellationToken);
        database.ModelVersions.Add(version);
        var change = new ModelChange(database, model, now);
        change.Record(
            added.Inspected is null ? ModelEventKinds.Uploaded : ModelEventKinds.Registered,
            added.CreatedBy,
            version.Version,
            $"sha256 {version.Sha256}, {version.SizeBytes} bytes");
        await NameAsync(change, added, version.Version, taken, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (version, kept);
    }

    // In the transaction of the version itself, so that no request is ever answered by one that was not meant to.
    private static async Task NameAsync(
        ModelChange change, NewVersion added, string version, List<string> taken, CancellationToken cancellationToken)
    {
        foreach (var alias in added.Aliases)
        {
            if (await change.Database.ModelAliases.FindAsync([added.Model, alias], cancellationToken) is null)
            {
                change.Database.ModelAliases.Add(
                    new ModelAlias { Model = added.Model, Alias = alias, Version = version, UpdatedAt = change.Now });
                change.Record(ModelEventKinds.AliasMoved, added.CreatedBy, version, alias);
            }
        }

        var traffic = change.Model.Settings.Traffic;
        if (added.Stable is { } stable && traffic is { Stable: null, Since: null } && (stable == version || taken.Contains(stable)))
        {
            change.Model.Settings = change.Model.Settings with { Traffic = traffic with { Stable = stable } };
            change.Record(ModelEventKinds.Promoted, added.CreatedBy, stable);
        }
    }

    private static Task<Model?> LockAsync(InferenceDbContext database, string model, CancellationToken cancellationToken) =>
        database.Models.FromSql($"SELECT * FROM models WHERE name = {model} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);
}
