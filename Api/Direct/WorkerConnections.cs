using System.Collections.Concurrent;
using System.Collections.Frozen;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Direct;

/// <summary>One connection to each live worker, and the choice among those that have a model open.</summary>
internal sealed partial class WorkerConnections(
    FleetRegistry fleet,
    ReplyInbox inbox,
    IOptions<DirectOptions> options,
    IOptions<ResponseOptions> responses,
    DirectDeadlines deadlines,
    TimeProvider time,
    ILogger<WorkerConnections> logger) : BackgroundService
{
    // Names and shapes of outputs come on top of the bytes that are limited.
    private const int Surroundings = 1 << 20;

    // Heartbeats between tries to connect to a worker that was never reached.
    private const int BetweenTries = 10;

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, (WorkerConnection Connection, Task Running)> _connections = new(StringComparer.Ordinal);
    private FrozenDictionary<QueueName, WorkerConnection[]> _byQueue = FrozenDictionary<QueueName, WorkerConnection[]>.Empty;

    /// <summary>The workers that have a version open, as far as this replica is connected to them.</summary>
    public WorkerConnection[] For(QueueName queue) => Volatile.Read(ref _byQueue).GetValueOrDefault(queue) ?? [];

    /// <summary>Whether a worker is connected, whatever it has open.</summary>
    public bool Any => _connections.Values.Any(c => c.Connection.WasWelcome);

    /// <summary>The less busy of two that are drawn, which is nearly as good as the least busy of all and sends no herd to one.</summary>
    public static WorkerConnection? Choose(IReadOnlyList<WorkerConnection> among)
    {
        if (among.Count < 2)
        {
            return among.Count == 0 ? null : among[0];
        }

        var first = Random.Shared.Next(among.Count);
        var second = Random.Shared.Next(among.Count - 1);
        var (one, other) = (among[first], among[second < first ? second : second + 1]);
        return one.Outstanding <= other.Outstanding ? one : other;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.IsOn)
        {
            LogOff(options.Value.Enabled ? "Direct:Secret is not set" : "Direct:Enabled is false");
            return;
        }

        // Two loops: Redis may take long to say that it is away, and the connections that there are need none.
        var handshake = new DirectHandshake(options.Value.Secret);
        var interval = options.Value.HeartbeatInterval;
        await Task.WhenAll(
            PeriodicLoop.RunAsync(interval, stop => FollowAsync(handshake, stop), time, logger, stoppingToken, atOnce: true),
            PeriodicLoop.RunAsync(interval, _ => BeatAsync(), time, logger, stoppingToken));
        await Task.WhenAll(_connections.Values.Select(c => c.Running));
    }

    private async Task FollowAsync(DirectHandshake handshake, CancellationToken stop)
    {
        foreach (var status in await fleet.WorkersAsync())
        {
            if (status.Direct is { Protocol: Frame.ProtocolVersion } endpoint && !_connections.ContainsKey(status.Id))
            {
                var connection = new WorkerConnection(
                    status.Id, endpoint, handshake, inbox.Replica, responses.Value.ResponseBytes + Surroundings, Changed, deadlines, time,
                    logger);
                _connections[status.Id] = (connection, RunAsync(connection, stop));
            }
        }
    }

    private Task BeatAsync()
    {
        foreach (var (connection, _) in _connections.Values)
        {
            connection.Beat();
        }

        return Task.CompletedTask;
    }

    private async Task RunAsync(WorkerConnection connection, CancellationToken stop)
    {
        await Task.Yield();
        try
        {
            await connection.RunAsync(stop);
        }
        catch (Exception exception)
        {
            LogFault(exception, connection.Worker);
        }

        // A worker that can't be reached, or is no peer, is tried again after a while; one that was lost with the next look at the fleet.
        if (!connection.WasWelcome)
        {
            await Task.Delay(options.Value.HeartbeatInterval * BetweenTries, time, stop)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _connections.TryRemove(connection.Worker, out _);
        Changed();
    }

    private void Changed()
    {
        lock (_lock)
        {
            Volatile.Write(ref _byQueue, _connections.Values.Select(c => c.Connection)
                .SelectMany(c => c.Serves.Select(queue => (Queue: queue, Connection: c)))
                .GroupBy(s => s.Queue, s => s.Connection)
                .ToFrozenDictionary(g => g.Key, g => g.ToArray()));
        }
    }

    [LoggerMessage(LogLevel.Information, "No call goes directly to a worker, all go through Redis: {Reason}")]
    private partial void LogOff(string reason);

    [LoggerMessage(LogLevel.Error, "The direct connection to {Worker} failed")]
    private partial void LogFault(Exception exception, string worker);
}
