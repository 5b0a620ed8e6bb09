using InferenceTemplate.Inference.Store;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Inference.Catalog;

/// <summary>
/// The settings of all models, read from Postgres at most once a second. While they are read again, and while Postgres
/// is away, callers go on with what was known.
/// </summary>
public sealed partial class ModelSettingsLookup(
    IDbContextFactory<InferenceDbContext> contexts, TimeProvider time, ILogger<ModelSettingsLookup> logger)
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(1);
    private static readonly ModelSettings Default = new();

    private readonly Lock _lock = new();
    private IReadOnlyDictionary<string, ModelSettings>? _known;
    private DateTimeOffset _readAt;
    private Task<IReadOnlyDictionary<string, ModelSettings>>? _reading;

    public Task<IReadOnlyDictionary<string, ModelSettings>> AllAsync(CancellationToken cancellationToken)
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

    /// <summary>The settings of a model; the defaults where it is not known.</summary>
    public async Task<ModelSettings> FindAsync(string model, CancellationToken cancellationToken) =>
        (await AllAsync(cancellationToken)).GetValueOrDefault(model, Default);

    private async Task<IReadOnlyDictionary<string, ModelSettings>> ReadAsync()
    {
        try
        {
            await using var database = await contexts.CreateDbContextAsync();
            var models = await database.Models.AsNoTracking().ToDictionaryAsync(m => m.Name, m => m.Settings, StringComparer.Ordinal);
            lock (_lock)
            {
                _known = models;
            }

            return models;
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

    [LoggerMessage(LogLevel.Warning, "The settings of the models can't be read; going on with what was known: {Reason}")]
    private partial void LogStale(string reason);
}
