using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Overview;

/// <summary>
/// What replicas, workers and queues say, read once for all who ask within half a second: fifty open dashboards of as many keys cost
/// Redis what one does. It has what there is; what a caller may see of it is the endpoint's to choose, for each call.
/// </summary>
internal sealed class FleetSnapshot(FleetRegistry fleet, QueueTotals queue, ModelCatalog catalog, TimeProvider time)
{
    // Half of the second in which replicas and workers report.
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private Task<FleetView>? _read;
    private long _begunAt;

    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused; the next call asks it again.</exception>
    public Task<FleetView> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_read is null || _read.IsFaulted || time.GetElapsedTime(_begunAt) >= Fresh)
            {
                _begunAt = time.GetTimestamp();
                _read = Task.Run(ReadAsync, CancellationToken.None);
            }

            return _read.WaitAsync(cancellationToken);
        }
    }

    private async Task<FleetView> ReadAsync()
    {
        var snapshot = await catalog.SnapshotAsync(CancellationToken.None);
        var apis = fleet.ApisAsync();
        var workers = fleet.WorkersAsync();
        var versions = snapshot.QueuedVersions.ToList();
        var queues = await queue.StatsAsync(versions.Select(v => new QueueName(v.Model, v.Version)));
        return new FleetView(time.GetUtcNow(), snapshot, await apis, await workers, [.. versions.Zip(queues)]);
    }
}

/// <param name="Queues">Also those of versions that are not served now; by model, lowest first.</param>
internal sealed record FleetView(
    DateTimeOffset Time, CatalogSnapshot Catalog, IReadOnlyList<ApiStatus> Apis, IReadOnlyList<WorkerStatus> Workers,
    IReadOnlyList<(ModelVersion Version, QueueStats Stats)> Queues);
