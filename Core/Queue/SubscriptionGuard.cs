using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Tells when messages of a channel may have been lost: after its connection broke, once it is there again, or at intervals while it
/// stays away. It is there when the guard's own message comes back.
/// </summary>
internal sealed class SubscriptionGuard(IConnectionMultiplexer redis, RedisChannel channel, Action<string, bool> lost) : IDisposable
{
    private const byte Format = 0xFF;
    private const int ProbeBytes = 1 + 16;

    // A reconnection takes milliseconds where Redis is there.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(50);

    // Of failures that follow one another within milliseconds, not each is told.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private bool _recovering;
    private int _losses;
    private long _sockets;
    private volatile Probe? _probe;

    private bool IsRecovering
    {
        get
        {
            lock (_lock)
            {
                return _recovering;
            }
        }
    }

    private long Sockets => redis.GetCounters().Subscription.SocketCount;

    public void Start()
    {
        _sockets = Sockets;
        redis.ConnectionFailed += OnConnectionFailed;
        _ = WatchAsync();
    }

    public void Dispose()
    {
        redis.ConnectionFailed -= OnConnectionFailed;
        _ended.Cancel();
    }

    /// <summary>Whether a message is the guard's own.</summary>
    public bool Takes(RedisValue message)
    {
        if (message.Length() != ProbeBytes || (byte[])message! is not [Format, ..] bytes)
        {
            return false;
        }

        if (_probe is { } probe && new Guid(bytes.AsSpan(1)) == probe.Id)
        {
            probe.Returned.TrySetResult();
        }

        return true;
    }

    private void OnConnectionFailed(object? sender, ConnectionFailedEventArgs failed)
    {
        if (failed.ConnectionType == ConnectionType.Subscription)
        {
            Recover();
        }
    }

    // Another socket than the one that was last proven: messages between the two are lost.
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(LookEvery);
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                if (!IsRecovering && Sockets != Interlocked.Read(ref _sockets))
                {
                    Recover();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The guard's end.
        }
    }

    private void Recover()
    {
        lock (_lock)
        {
            _losses++;
            if (_recovering)
            {
                return;
            }

            _recovering = true;
        }

        _ = RecoverAsync();
    }

    private async Task RecoverAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            int seen;
            lock (_lock)
            {
                seen = _losses;
            }

            var restored = await IsBackAsync();
            lost(restored ? "the connection to Redis broke" : "the connection to Redis broke and is not there again", restored);
            lock (_lock)
            {
                if (restored && seen == _losses)
                {
                    _recovering = false;
                    return;
                }
            }
        }
    }

    private async Task<bool> IsBackAsync()
    {
        var probe = _probe = new Probe();
        byte[] message = [Format, .. probe.Id.ToByteArray()];
        var isThere = false;
        var until = TimeProvider.System.GetTimestamp() + (long)(Patience.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (!_ended.IsCancellationRequested && TimeProvider.System.GetTimestamp() < until)
        {
            try
            {
                if (redis.GetSubscriber().IsConnected(channel))
                {
                    if (!isThere)
                    {
                        // Before it is proven: one that takes its place meanwhile is proven anew.
                        Interlocked.Exchange(ref _sockets, Sockets);
                        isThere = true;
                    }

                    _ = redis.GetSubscriber().PublishAsync(channel, message, CommandFlags.FireAndForget);
                }

                await probe.Returned.Task.WaitAsync(ProbeEvery, TimeProvider.System, _ended.Token);
                return true;
            }
            catch (Exception exception) when (exception is OperationCanceledException || QueueUnavailableException.Covers(exception))
            {
                // Not yet; a time-out is one of these.
            }
        }

        return false;
    }

    private sealed class Probe
    {
        public Guid Id { get; } = Guid.NewGuid();

        public TaskCompletionSource Returned { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
