using System.Globalization;
using InferenceTemplate.Inference.Store;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Inference.Catalog;

/// <summary>
/// The registered model versions, read from Postgres at most once a second. While it is read again, and while Postgres
/// is away, callers go on with what was known.
/// </summary>
public sealed partial class ModelCatalog(
    IDbContextFactory<InferenceDbContext> contexts, TimeProvider time, ILogger<ModelCatalog> logger)
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private IReadOnlyList<ModelVersion>? _known;
    private DateTimeOffset _readAt;
    private Task<IReadOnlyList<ModelVersion>>? _reading;

    public Task<IReadOnlyList<ModelVersion>> AllAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_known is null || time.GetUtcNow() - _readAt >= RememberedFor)
            {
                _reading ??= Task.Run(ReadAsync, CancellationToken.None);
            }

            return _known is not null ? Task.FromResult(_known) : _reading!.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The versions of a model, lowest first; empty when there is no such model.</summary>
    public async Task<IReadOnlyList<ModelVersion>> VersionsAsync(string model, CancellationToken cancellationToken) =>
        [.. (await AllAsync(cancellationToken)).Where(v => v.Model == model)];

    /// <summary>One version of a model, the highest where none is named; null when there is none.</summary>
    public async Task<ModelVersion?> FindAsync(string model, string? version, CancellationToken cancellationToken) =>
        (await AllAsync(cancellationToken)).LastOrDefault(v => v.Model == model && (version is null || v.Version == version));

    private async Task<IReadOnlyList<ModelVersion>> ReadAsync()
    {
        try
        {
            await using var database = await contexts.CreateDbContextAsync();
            var versions = await database.ModelVersions.AsNoTracking().ToListAsync();
            IReadOnlyList<ModelVersion> sorted = [.. versions.OrderBy(v => v.Model, StringComparer.Ordinal).ThenBy(Number)];
            lock (_lock)
            {
                _known = sorted;
            }

            return sorted;
        }
        catch (Exception exception) when (_known is not null)
        {
            LogStale(exception.Message);
            return _known;
        }
        finally
        {
            lock (_lock)
            {
                _readAt = time.GetUtcNow();
                _reading = null;
            }
        }
    }

    private static long Number(ModelVersion version) => long.Parse(version.Version, CultureInfo.InvariantCulture);

    [LoggerMessage(LogLevel.Warning, "The model catalogue can't be read; going on with what was known: {Reason}")]
    private partial void LogStale(string reason);
}
