using InferenceTemplate.Core;
using Npgsql;

namespace InferenceTemplate.Api.Overview;

/// <summary>
/// Keeps how deep the queues were, minute by minute, for <see cref="TrafficHistory"/>: nothing else remembers it. Each replica looks; a
/// minute has the worst that one of them saw, and none where Redis was away.
/// </summary>
internal sealed class QueueHistory(FleetSnapshot fleet, NpgsqlDataSource dataSource, TimeProvider time, ILogger<QueueHistory> logger)
    : BackgroundService
{
    private const string Keep = """
        INSERT INTO queue_minutes AS kept (minute, depth, oldest_seconds) VALUES (date_trunc('minute', $1), $2, $3)
        ON CONFLICT (minute) DO UPDATE SET
            depth = greatest(kept.depth, excluded.depth), oldest_seconds = greatest(kept.oldest_seconds, excluded.oldest_seconds)
        """;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, KeepAsync, time, logger, stoppingToken, atOnce: true);

    private async Task KeepAsync(CancellationToken cancellationToken)
    {
        var seen = await fleet.GetAsync(cancellationToken);
        await using var command = dataSource.CreateCommand(Keep);
        command.Parameters.AddWithValue(seen.Time);
        command.Parameters.AddWithValue(seen.Queues.Sum(queue => queue.Stats.Depth));
        command.Parameters.AddWithValue(seen.Queues.Select(queue => queue.Stats.OldestAge.TotalSeconds).DefaultIfEmpty().Max());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
