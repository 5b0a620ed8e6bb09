using InferenceTemplate.Core;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace InferenceTemplate.Data.Catalog;

/// <summary>
/// The registry, read from Postgres at most once a second and at once when news of a change comes. While it is read
/// again, and while Postgres is away, callers go on with what was known.
/// </summary>
public sealed partial class ModelCatalog
{
    private readonly Refreshing<CatalogSnapshot> _snapshot;
    private readonly ILogger<ModelCatalog> _logger;

    public ModelCatalog(NpgsqlDataSource dataSource, TimeProvider time, ILogger<ModelCatalog> logger)
    {
        _logger = logger;
        _snapshot = new(
            TimeSpan.FromSeconds(1), () => CatalogReader.ReadAsync(dataSource), time, exception => LogStale(exception.Message));
    }

    /// <summary>Raised after each reading, on the thread that read: what changed is for the listener to see.</summary>
    public event EventHandler? Refreshed
    {
        add => _snapshot.Refreshed += value;
        remove => _snapshot.Refreshed -= value;
    }

    public ValueTask<CatalogSnapshot> SnapshotAsync(CancellationToken cancellationToken) => _snapshot.GetAsync(cancellationToken);

    /// <summary>Reads again, beginning after this call: what the caller has committed is in the answer.</summary>
    public Task<CatalogSnapshot> RefreshAsync(CancellationToken cancellationToken) => _snapshot.RefreshAsync(cancellationToken);

    /// <summary>Every version that may be served, by model, lowest first.</summary>
    public async Task<IReadOnlyList<ModelVersion>> AllAsync(CancellationToken cancellationToken) =>
        (await SnapshotAsync(cancellationToken)).Versions;

    /// <summary>The versions of a model that may be served, lowest first; empty when there is no such model.</summary>
    public async Task<IReadOnlyList<ModelVersion>> VersionsAsync(string model, CancellationToken cancellationToken) =>
        (await SnapshotAsync(cancellationToken)).VersionsOf(model);

    /// <summary>A version that may be served, by number or alias, the stable one where none is named; null when there is none.</summary>
    public async Task<ModelVersion?> FindAsync(string model, string? version, CancellationToken cancellationToken) =>
        (await SnapshotAsync(cancellationToken)).Find(model, version);

    [LoggerMessage(LogLevel.Warning, "The model catalogue can't be read; going on with what was known: {Reason}")]
    private partial void LogStale(string reason);
}
