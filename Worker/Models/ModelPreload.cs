using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Models;

/// <summary>Which versions are opened before the worker is ready.</summary>
internal sealed partial class ModelPreload(BusiestModels busiest, IOptions<ModelCacheOptions> options, ILogger<ModelPreload> logger)
{
    /// <summary>
    /// Pinned ones and those that were told to load; then the busiest; then, where there were no requests yet, the newest stable
    /// versions. Whatever does not fit the memory beside those before it is left out.
    /// </summary>
    public async Task<IReadOnlyList<ModelKey>> ChooseAsync(CatalogSnapshot snapshot, long memory, CancellationToken cancellationToken)
    {
        var kept = snapshot.Versions.Where(v =>
            snapshot.SettingsOf(v.Model).Pinned || snapshot.ResidencyOf(v.Model) == Residency.Load).ToList();
        var likely = (await BusiestAsync(cancellationToken))
            .Select(key => snapshot.VersionsOf(key.Model).FirstOrDefault(v => v.Version == key.Version))
            .OfType<ModelVersion>()
            .Concat(snapshot.Models.Select(m => snapshot.StableOf(m.Name)).OfType<ModelVersion>().OrderByDescending(v => v.RegisteredAt))
            .Except(kept)
            .Distinct()
            .Take(options.Value.Preload);

        var chosen = new List<ModelKey>();
        var open = new HashSet<ModelKey>();
        foreach (var version in kept.Concat(likely))
        {
            // A step of a pipeline before it is open by then.
            var key = new ModelKey(version.Model, version.Version);
            var bytes = open.Contains(key) ? 0 : MemoryBudget.Estimate(version, snapshot, open.Contains);
            if (bytes <= memory)
            {
                memory -= bytes;
                open.UnionWith(version.Metadata.Steps.Select(s => new ModelKey(s.Model, s.Version)));
                open.Add(key);
                chosen.Add(key);
            }
            else
            {
                LogNoRoom(version.Model, version.Version, bytes, memory);
            }
        }

        return chosen;
    }

    private async Task<IReadOnlyList<ModelKey>> BusiestAsync(CancellationToken cancellationToken)
    {
        try
        {
            return options.Value.Preload == 0 ? [] : await busiest.FindAsync(options.Value.Preload, cancellationToken);
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            LogUnknown(exception.Message);
            return [];
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} is not preloaded: it is likely to take {Bytes} bytes, and {Left} are left")]
    private partial void LogNoRoom(string model, string version, long bytes, long left);

    [LoggerMessage(LogLevel.Warning, "The busiest models are not known: {Reason}")]
    private partial void LogUnknown(string reason);
}
