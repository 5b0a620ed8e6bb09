using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Word that jobs changed their state, from whoever changed it to the Api replicas where somebody watches. A hint: it may be
/// lost, so those who watch look by themselves too.
/// </summary>
public sealed class JobSignals(IConnectionMultiplexer redis) : IHostedService
{
    private const int IdBytes = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, List<JobWatch>> _watches = [];

    /// <summary>Tells all replicas; never waits and never fails.</summary>
    public void Changed(IEnumerable<Guid> ids)
    {
        byte[] message = [.. ids.SelectMany(id => id.ToByteArray())];
        if (message.Length > 0)
        {
            try
            {
                _ = redis.GetSubscriber().PublishAsync(RedisChannel.Literal(QueueKeys.JobsChannel), message, CommandFlags.FireAndForget);
            }
            catch (Exception exception) when (QueueUnavailableException.Covers(exception))
            {
                // Who watches looks by itself.
            }
        }
    }

    /// <summary>Begins to watch a job; dispose it in the end. Look at the job after this call, not before.</summary>
    public JobWatch Watch(Guid id)
    {
        var watch = new JobWatch(id, this);
        lock (_lock)
        {
            if (!_watches.TryGetValue(id, out var watches))
            {
                _watches[id] = watches = [];
            }

            watches.Add(watch);
        }

        return watch;
    }

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(QueueKeys.JobsChannel), Deliver);

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(QueueKeys.JobsChannel), Deliver);

    internal void End(Guid id, JobWatch watch)
    {
        lock (_lock)
        {
            if (_watches.TryGetValue(id, out var watches) && watches.Remove(watch) && watches.Count == 0)
            {
                _watches.Remove(id);
            }
        }
    }

    private void Deliver(RedisChannel channel, RedisValue message)
    {
        var ids = (byte[])message!;
        lock (_lock)
        {
            for (var start = 0; start + IdBytes <= ids.Length && _watches.Count > 0; start += IdBytes)
            {
                if (_watches.TryGetValue(new Guid(ids.AsSpan(start, IdBytes)), out var watches))
                {
                    watches.ForEach(watch => watch.Signal());
                }
            }
        }
    }
}

/// <summary>One watcher's place.</summary>
public sealed class JobWatch : IDisposable
{
    private readonly SemaphoreSlim _signal = new(0);
    private readonly Guid _id;
    private readonly JobSignals _signals;

    internal JobWatch(Guid id, JobSignals signals) => (_id, _signals) = (id, signals);

    /// <summary>Waits for word of a change, or for a time.</summary>
    public Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken) => _signal.WaitAsync(longest, cancellationToken);

    public void Dispose() => _signals.End(_id, this);

    // Only ever called under the lock of the signals, so one is pending at most.
    internal void Signal()
    {
        if (_signal.CurrentCount == 0)
        {
            _signal.Release();
        }
    }
}
