using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Tells a worker at once that the caller of something it has in flight has left. What is still in a stream is marked there, and
/// dropped when it is read; this is for what was read before.
/// </summary>
public sealed class QueueCancellations(IConnectionMultiplexer redis) : IHostedService
{
    private const int MaxRecent = 4096;

    private readonly ConcurrentDictionary<Guid, QueuedRequest> _inFlight = new();

    // The word may overtake the reply of the read that it is about: the last few are kept in two generations.
    private readonly Lock _lock = new();
    private HashSet<Guid> _recent = [];
    private HashSet<Guid> _older = [];

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(QueueKeys.CancelChannel), Cancel);

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(QueueKeys.CancelChannel), Cancel);

    internal void Add(QueuedRequest request)
    {
        _inFlight.TryAdd(request.Request.Id, request);
        if (WasCancelled(request.Request.Id))
        {
            request.Cancel();
        }
    }

    internal void Remove(QueuedRequest request) =>
        _inFlight.TryRemove(KeyValuePair.Create(request.Request.Id, request));

    private void Cancel(RedisChannel channel, RedisValue message)
    {
        if ((byte[]?)message is not { Length: 16 } bytes)
        {
            return;
        }

        var id = new Guid(bytes);
        lock (_lock)
        {
            if (_recent.Count >= MaxRecent)
            {
                (_older, _recent) = (_recent, _older);
                _recent.Clear();
            }

            _recent.Add(id);
        }

        if (_inFlight.TryGetValue(id, out var request))
        {
            request.Cancel();
        }
    }

    private bool WasCancelled(Guid id)
    {
        lock (_lock)
        {
            return _recent.Contains(id) || _older.Contains(id);
        }
    }
}
