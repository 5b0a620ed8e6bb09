using InferenceTemplate.Core.Catalog;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Catalog;

/// <summary>The versions that wait to be opened by a worker, each leased to one at a time.</summary>
public sealed class VersionInspections(IDbContextFactory<InferenceDbContext> contexts, CatalogChangeNotifier notifier, TimeProvider time)
{
    private const int LongestReason = 4096;

    /// <summary>The oldest version that nobody holds and that is pending or has yet to be proven; null when there is none.</summary>
    /// <param name="lease">Longer than an inspection takes: after it another worker may take the version.</param>
    public async Task<ModelVersion?> ClaimAsync(TimeSpan lease, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var until = now + lease;
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);

        // Then those that are served meanwhile: from before it was tried whether their rows are independent, each request alone; and those
        // with another sample request than when it was tried, by what was found then.
        var claimed = await database.ModelVersions.FromSql($"""
            UPDATE model_versions SET inspection_lease = {until}, inspection_attempts = inspection_attempts + 1
            WHERE (model, version) = (
                SELECT model, version FROM model_versions
                WHERE (state = 'Pending' OR (state = 'Ready' AND (batch_proof IS NULL OR proof_outdated)))
                    AND deleted_at IS NULL AND (inspection_lease IS NULL OR inspection_lease < {now})
                ORDER BY state, registered_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellationToken);
        return claimed.SingleOrDefault();
    }

    /// <summary>Gives a claim back that came to nothing by no fault of the version: the attempt does not count.</summary>
    /// <param name="after">When it may be claimed again.</param>
    public async Task ReturnAsync(ModelVersion claimed, TimeSpan after, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var until = time.GetUtcNow() + after;
        await database.ModelVersions
            .Where(v => v.Model == claimed.Model && v.Version == claimed.Version
                && v.InspectionAttempts == claimed.InspectionAttempts && v.InspectionLease == claimed.InspectionLease)
            .ExecuteUpdateAsync(
                v => v.SetProperty(r => r.InspectionAttempts, r => r.InspectionAttempts - 1).SetProperty(r => r.InspectionLease, until),
                cancellationToken);
    }

    /// <summary>The version can be served.</summary>
    /// <exception cref="PipelineStepGoneException">It is a pipeline, and what a step runs was deleted while it was inspected.</exception>
    public Task<bool> AcceptAsync(ModelVersion claimed, InspectedModel found, string worker, CancellationToken cancellationToken) =>
        FinishAsync(
            claimed,
            async (database, version) =>
            {
                await PipelineUses.CheckStepsAsync(database, found.Metadata.Steps, cancellationToken);
                version.State = VersionState.Ready;
                version.Platform = found.Metadata.Steps.Count > 0 ? ModelRegistry.PipelinePlatform : version.Platform;
                (version.Signature, version.Metadata, version.MemoryBytes) = (found.Signature, found.Metadata, found.MemoryBytes);
                version.BatchProof = await KnownOfAsync(database, version.Sha256, Kept(found.Batching), cancellationToken);
            },
            VersionState.Pending,
            ModelEventKinds.Ready,
            worker,
            found.Batching is { Independent: false, Reason: { } reason } ? $"requests do not share runs: {Kept(reason)}" : null,
            cancellationToken,
            found.Metadata.Steps);

    /// <summary>Keeps what was found of a version that is served already.</summary>
    /// <param name="sampleHasRun">Whether the version has a sample request, and ran on it.</param>
    public Task<bool> ProveAsync(
        ModelVersion claimed, BatchProof proof, bool sampleHasRun, string worker, CancellationToken cancellationToken) =>
        FinishAsync(
            claimed,
            async (database, version) =>
            {
                if (version.AwaitsProof)
                {
                    version.BatchProof = await KnownOfAsync(database, version.Sha256, Kept(proof), cancellationToken);
                    version.ProofOutdated = false;
                }

                await database.SampleRequests.Where(s => s.Model == version.Model && s.Version == version.Version)
                    .ExecuteUpdateAsync(s => s.SetProperty(r => r.HasRun, sampleHasRun), cancellationToken);
            },
            VersionState.Ready,
            ModelEventKinds.Proven,
            worker,
            proof.Reason is null ? "its rows are independent" : $"requests do not share runs: {Kept(proof.Reason)}",
            cancellationToken);

    /// <summary>A run that served callers has shown that rows are not independent: no version of these bytes is batched again.</summary>
    public async Task ContradictAsync(string model, string version, string reason, string worker, CancellationToken cancellationToken)
    {
        await using (var database = await contexts.CreateDbContextAsync(cancellationToken))
        {
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            var same = await database.ModelVersions.FromSql($"""
                SELECT * FROM model_versions
                WHERE sha256 = (SELECT sha256 FROM model_versions WHERE model = {model} AND version = {version})
                ORDER BY model, version FOR UPDATE
                """).ToListAsync(cancellationToken);
            foreach (var row in same.Where(v => v.BatchProof is not { Contradicted: true }))
            {
                row.BatchProof = new BatchProof(false, Kept(reason), Contradicted: true);
                database.ModelEvents.Add(new ModelEvent
                {
                    At = time.GetUtcNow(),
                    Model = row.Model,
                    Version = row.Version,
                    Kind = ModelEventKinds.BatchingEnded,
                    Actor = worker,
                    Details = Kept(reason),
                });
            }

            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        await notifier.PublishAsync(cancellationToken);
    }

    /// <summary>
    /// What holds for a file: what serving it has shown, else what was found now, else what was found of the same bytes before.
    /// </summary>
    internal static async Task<BatchProof?> KnownOfAsync(
        InferenceDbContext database, string sha256, BatchProof? found, CancellationToken cancellationToken)
    {
        var known = await database.ModelVersions.AsNoTracking()
            .Where(v => v.Sha256 == sha256 && v.BatchProof != null).Select(v => v.BatchProof).ToListAsync(cancellationToken);
        return known.Find(p => p is { Contradicted: true }) ?? found ?? known.FirstOrDefault();
    }

    public Task<bool> RejectAsync(ModelVersion claimed, string reason, string worker, CancellationToken cancellationToken) =>
        FinishAsync(
            claimed,
            (_, version) =>
            {
                (version.State, version.Reason) = (VersionState.Rejected, Kept(reason));
                version.Metadata = UploaderScope.Without(version.Metadata);
                return Task.CompletedTask;
            },
            VersionState.Pending,
            ModelEventKinds.Rejected,
            worker,
            Kept(reason),
            cancellationToken);

    // Reasons quote what is in files; Postgres takes no U+0000 in a text, and the catalog is read each second.
    private static string Kept(string reason) =>
        (reason.Length <= LongestReason ? reason : $"{reason[..LongestReason]}…").Replace('\0', ' ');

    private static BatchProof? Kept(BatchProof? proof) => proof?.Reason is null ? proof : proof with { Reason = Kept(proof.Reason) };

    // Fenced by the attempt and its lease: the result of a worker whose lease ran out counts for nothing, nor does that of one that
    // began before another sample request came.
    private async Task<bool> FinishAsync(
        ModelVersion claimed,
        Func<InferenceDbContext, ModelVersion, Task> finish,
        VersionState from,
        string kind,
        string worker,
        string? details,
        CancellationToken cancellationToken,
        IReadOnlyList<PipelineStep>? steps = null)
    {
        await using (var database = await contexts.CreateDbContextAsync(cancellationToken))
        {
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            await PipelineUses.LockStepsAsync(database, steps ?? [], cancellationToken);
            var version = await database.ModelVersions.FromSql(
                $"SELECT * FROM model_versions WHERE model = {claimed.Model} AND version = {claimed.Version} FOR UPDATE")
                .SingleAsync(cancellationToken);
            if (version.State != from
                || version.DeletedAt is not null
                || version.InspectionAttempts != claimed.InspectionAttempts
                || version.InspectionLease != claimed.InspectionLease)
            {
                return false;
            }

            await finish(database, version);
            version.InspectionLease = null;
            database.ModelEvents.Add(new ModelEvent
            {
                At = time.GetUtcNow(),
                Model = version.Model,
                Version = version.Version,
                Kind = kind,
                Actor = worker,
                Details = details,
            });
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        await notifier.PublishAsync(cancellationToken);
        return true;
    }
}
