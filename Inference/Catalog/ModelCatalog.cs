using System.Globalization;
using InferenceTemplate.Inference.Store;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Inference.Catalog;

/// <summary>The registered model versions, read from Postgres at most once a second.</summary>
public sealed class ModelCatalog(IDbContextFactory<InferenceDbContext> contexts, TimeProvider time)
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Snapshot _snapshot = new([], DateTimeOffset.MinValue);

    public async Task<IReadOnlyList<ModelVersion>> AllAsync(CancellationToken cancellationToken)
    {
        var snapshot = _snapshot;
        if (time.GetUtcNow() - snapshot.ReadAt < RememberedFor)
        {
            return snapshot.Versions;
        }

        // One caller reads; the others go on with what was known, except before the first reading.
        if (!await _reading.WaitAsync(snapshot.Versions.Count > 0 ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, cancellationToken))
        {
            return snapshot.Versions;
        }

        try
        {
            if (time.GetUtcNow() - _snapshot.ReadAt >= RememberedFor)
            {
                await using var database = await contexts.CreateDbContextAsync(cancellationToken);
                var versions = await database.ModelVersions.AsNoTracking().ToListAsync(cancellationToken);
                _snapshot = new Snapshot([.. versions.OrderBy(v => v.Model, StringComparer.Ordinal).ThenBy(Number)], time.GetUtcNow());
            }

            return _snapshot.Versions;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>The versions of a model, lowest first; empty when there is no such model.</summary>
    public async Task<IReadOnlyList<ModelVersion>> VersionsAsync(string model, CancellationToken cancellationToken) =>
        [.. (await AllAsync(cancellationToken)).Where(v => v.Model == model)];

    /// <summary>One version of a model, the highest where none is named; null when there is none.</summary>
    public async Task<ModelVersion?> FindAsync(string model, string? version, CancellationToken cancellationToken) =>
        (await VersionsAsync(model, cancellationToken)).LastOrDefault(v => version is null || v.Version == version);

    private static long Number(ModelVersion version) => long.Parse(version.Version, CultureInfo.InvariantCulture);

    private sealed record Snapshot(IReadOnlyList<ModelVersion> Versions, DateTimeOffset ReadAt);
}
