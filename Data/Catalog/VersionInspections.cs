using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Catalog;

/// <summary>The versions that wait to be opened by a worker, each leased to one at a time.</summary>
public sealed class VersionInspections(IDbContextFactory<InferenceDbContext> contexts, CatalogNews news, TimeProvider time)
{
    /// <summary>The oldest pending version that nobody holds; null when there is none.</summary>
    /// <param name="lease">Longer than an inspection takes: after it another worker may take the version.</param>
    public async Task<ModelVersion?> ClaimAsync(TimeSpan lease, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var until = now + lease;
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var claimed = await database.ModelVersions.FromSql($"""
            UPDATE model_versions SET inspection_lease = {until}, inspection_attempts = inspection_attempts + 1
            WHERE (model, version) = (
                SELECT model, version FROM model_versions
                WHERE state = 'Pending' AND deleted_at IS NULL AND (inspection_lease IS NULL OR inspection_lease < {now})
                ORDER BY registered_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellationToken);
        return claimed.SingleOrDefault();
    }

    /// <summary>The version can be served.</summary>
    public Task<bool> AcceptAsync(ModelVersion claimed, InspectedModel found, string worker, CancellationToken cancellationToken) =>
        FinishAsync(
            claimed,
            version =>
            {
                version.State = VersionState.Ready;
                (version.Signature, version.Metadata, version.MemoryBytes) = (found.Signature, found.Metadata, found.MemoryBytes);
            },
            ModelEventKinds.Ready,
            worker,
            null,
            cancellationToken);

    public Task<bool> RejectAsync(ModelVersion claimed, string reason, string worker, CancellationToken cancellationToken) =>
        FinishAsync(
            claimed,
            version => (version.State, version.Reason) = (VersionState.Rejected, reason),
            ModelEventKinds.Rejected,
            worker,
            reason,
            cancellationToken);

    // Fenced by the attempt: the result of a worker whose lease ran out counts for nothing.
    private async Task<bool> FinishAsync(
        ModelVersion claimed, Action<ModelVersion> finish, string kind, string worker, string? details, CancellationToken cancellationToken)
    {
        await using (var database = await contexts.CreateDbContextAsync(cancellationToken))
        {
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            var version = await database.ModelVersions.FromSql(
                $"SELECT * FROM model_versions WHERE model = {claimed.Model} AND version = {claimed.Version} FOR UPDATE")
                .SingleAsync(cancellationToken);
            if (version.State != VersionState.Pending || version.DeletedAt is not null || version.InspectionAttempts != claimed.InspectionAttempts)
            {
                return false;
            }

            finish(version);
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

        await news.PublishAsync(cancellationToken);
        return true;
    }
}
