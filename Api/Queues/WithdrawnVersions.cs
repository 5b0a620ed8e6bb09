using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Npgsql;

namespace InferenceTemplate.Api.Queues;

/// <summary>
/// Ends each second, on one Api replica at a time, what waits for versions that are not served: calls of those that were taken out of
/// service, and all that those which were deleted have left in Redis. Replicas that have not heard yet send them some for a moment longer.
/// </summary>
internal sealed class WithdrawnVersions(
    NpgsqlDataSource dataSource, ModelCatalog catalog, WithdrawnQueues queues, TimeProvider time, ILogger<WithdrawnVersions> logger)
    : BackgroundService
{
    private const int AtOnce = 32;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // What was deleted longer ago has long been removed, unless Redis was away, or everybody who could.
    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan AllEvery = TimeSpan.FromHours(1);

    private const string DeletedSql = "SELECT model, version FROM model_versions WHERE deleted_at >= $1";

    private long? _allAt;

    /// <summary>One pass; false where another replica is at it.</summary>
    public async Task<bool> RemoveAsync(CancellationToken cancellationToken)
    {
        await using var lead = await LeaderLock.TryTakeAsync(dataSource, "queues.withdrawn", cancellationToken);
        if (lead is null)
        {
            return false;
        }

        var isAll = _allAt is not { } at || time.GetElapsedTime(at) >= AllEvery;
        var started = time.GetTimestamp();
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        await EachAsync(await DeletedAsync(isAll ? DateTimeOffset.MinValue : lead.Since - Recent, cancellationToken), queues.RemoveAsync);
        if (isAll)
        {
            _allAt = started;
        }

        if (OutOfService(snapshot).Any())
        {
            // What was known may be a second old, and one that is back in service is not to be refused.
            snapshot = await catalog.RefreshAsync(cancellationToken);
            await EachAsync([.. OutOfService(snapshot)], queues.RefuseCallsAsync);
        }

        return true;

        async Task EachAsync(List<QueueName> names, Func<QueueName, string, Task> end)
        {
            foreach (var some in names.Chunk(AtOnce))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.WhenAll(some.Select(name => end(name, snapshot.WhyNot(name.Model, name.Version))));
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, RemoveAsync, time, logger, stoppingToken);

    // Of a model that is unloaded, or a pipeline of which a step is.
    private static IEnumerable<QueueName> OutOfService(CatalogSnapshot snapshot) => snapshot.AllVersions
        .Where(v => v.State == VersionState.Ready && snapshot.Find(v.Model, v.Version) is null)
        .Select(v => new QueueName(v.Model, v.Version));

    private async Task<List<QueueName>> DeletedAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(DeletedSql);
        command.Parameters.AddWithValue(since);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var deleted = new List<QueueName>();
        while (await reader.ReadAsync(cancellationToken))
        {
            deleted.Add(new QueueName(reader.GetString(0), reader.GetString(1)));
        }

        return deleted;
    }
}
