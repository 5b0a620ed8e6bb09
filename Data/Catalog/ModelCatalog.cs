using Microsoft.Extensions.Logging;
using Npgsql;

namespace InferenceTemplate.Data.Catalog;

/// <summary>
/// The registry, read from Postgres at most once a second and at once when news of a change comes. While it is read
/// again, and while Postgres is away, callers go on with what was known.
/// </summary>
public sealed partial class ModelCatalog(
    NpgsqlDataSource dataSource, TimeProvider time, ILogger<ModelCatalog> logger) : IDisposable
{
    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _oneReader = new(1);
    private volatile CatalogSnapshot? _known;
    private long _readAt;
    private Task<CatalogSnapshot>? _reading;
    private Task<CatalogSnapshot>? _next;

    /// <summary>Raised after each reading, on the thread that read: what changed is for the listener to see.</summary>
    public event EventHandler? Refreshed;

    public Task<CatalogSnapshot> SnapshotAsync(CancellationToken cancellationToken)
    {
        var known = _known;
        if (known is not null && time.GetElapsedTime(Interlocked.Read(ref _readAt)) < CacheDuration)
        {
            return Task.FromResult(known);
        }

        lock (_lock)
        {
            _reading ??= Task.Run(ReadAsync, CancellationToken.None);
            return known is not null ? Task.FromResult(known) : _reading.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Reads again, beginning after this call: what the caller has committed is in the answer.</summary>
    public Task<CatalogSnapshot> RefreshAsync(CancellationToken cancellationToken)
    {
        // One that has not begun to read serves every caller until it does.
        lock (_lock)
        {
            _next ??= _reading = Task.Run(ReadAsync, CancellationToken.None);
            return _next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Every version that may be served, by model, lowest first.</summary>
    public async Task<IReadOnlyList<ModelVersion>> AllAsync(CancellationToken cancellationToken) =>
        (await SnapshotAsync(cancellationToken)).Versions;

    /// <summary>The versions of a model that may be served, lowest first; empty when there is no such model.</summary>
    public async Task<IReadOnlyList<ModelVersion>> VersionsAsync(string model, CancellationToken cancellationToken) =>
        (await SnapshotAsync(cancellationToken)).VersionsOf(model);

    /// <summary>A version that may be served, by number or alias, the stable one where none is named; null when there is none.</summary>
    public async Task<ModelVersion?> FindAsync(string model, string? version, CancellationToken cancellationToken) =>
        (await SnapshotAsync(cancellationToken)).Find(model, version);

    public void Dispose() => _oneReader.Dispose();

    private async Task<CatalogSnapshot> ReadAsync()
    {
        // One at a time, so that an older reading never replaces a newer one.
        await _oneReader.WaitAsync();
        CatalogSnapshot snapshot;
        try
        {
            lock (_lock)
            {
                _next = null;
            }

            snapshot = await CatalogReader.ReadAsync(dataSource);
            _known = snapshot;
        }
        catch (Exception exception) when (_known is not null)
        {
            LogStale(exception.Message);
            return _known;
        }
        finally
        {
            Interlocked.Exchange(ref _readAt, time.GetTimestamp());
            lock (_lock)
            {
                _reading = null;
            }

            _oneReader.Release();
        }

        Refreshed?.Invoke(this, EventArgs.Empty);
        return snapshot;
    }

    [LoggerMessage(LogLevel.Warning, "The model catalogue can't be read; going on with what was known: {Reason}")]
    private partial void LogStale(string reason);
}
