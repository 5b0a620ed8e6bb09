using System.Diagnostics.Metrics;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using Npgsql;

namespace InferenceTemplate.Api.Queues;

/// <summary>
/// Looks at every queue each two seconds and shows what it saw as gauges. Every Api replica shows the same numbers: take the
/// maximum over replicas, not the sum.
/// </summary>
internal sealed class QueueGauges : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly NpgsqlDataSource _dataSource;
    private readonly QueueTotals _queue;
    private readonly QueueRejections _rejections;
    private readonly TimeProvider _time;
    private readonly ILogger<QueueGauges> _logger;
    private QueueStats[] _seen = [];

    public QueueGauges(
        NpgsqlDataSource dataSource,
        QueueTotals queue,
        QueueRejections rejections,
        IMeterFactory meters,
        TimeProvider time,
        ILogger<QueueGauges> logger)
    {
        (_dataSource, _queue, _rejections, _time, _logger) = (dataSource, queue, rejections, time, logger);
        var meter = meters.Create(Telemetry.Name);
        meter.CreateObservableGauge(
            "inference.queue.depth", () => Levels(l => l.Depth), "{request}", "Requests that wait or run.");
        meter.CreateObservableGauge(
            "inference.queue.age", () => Levels(l => l.OldestAge.TotalSeconds), "s", "Age of the oldest request that waits or runs.");
        meter.CreateObservableGauge(
            "inference.queue.size", () => Queues(s => s.Bytes), "By", "Bytes of the requests that wait or run.");
        meter.CreateObservableGauge(
            "inference.dlq.messages", () => Queues(s => s.DeadLetters), "{message}", "Dead letters kept.");
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, LookAsync, _time, _logger, stoppingToken);

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Not by the catalogue: it answers its first question freshly, and later ones with what it knew.
            var queues = new List<QueueName>();
            await using (var command = _dataSource.CreateCommand("SELECT model, version FROM model_versions WHERE deleted_at IS NULL"))
            await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    queues.Add(new QueueName(reader.GetString(0), reader.GetString(1)));
                }
            }

            _seen = await _queue.StatsAsync(queues);
            foreach (var stats in _seen)
            {
                _rejections.Observe(stats.Queue, stats.Removed);
            }
        }
        catch
        {
            // What can't be seen is not shown: an old number would look like a fresh one.
            _seen = [];
            throw;
        }
    }

    private IEnumerable<Measurement<T>> Levels<T>(Func<QueueLevelStats, T> value)
        where T : struct =>
        _seen.SelectMany(stats => stats.Levels.Select(level => new Measurement<T>(
            value(level),
            new KeyValuePair<string, object?>("model", stats.Queue.Model),
            new KeyValuePair<string, object?>("version", stats.Queue.Version),
            new KeyValuePair<string, object?>("priority", level.Priority.Name()))));

    private IEnumerable<Measurement<long>> Queues(Func<QueueStats, long> value) =>
        _seen.Select(stats => new Measurement<long>(
            value(stats),
            new KeyValuePair<string, object?>("model", stats.Queue.Model),
            new KeyValuePair<string, object?>("version", stats.Queue.Version)));
}
