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
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(50);

    // Of failures that follow one another within milliseconds, not each is told.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _ended = new();

    private readonly SemaphoreSlim _failures = new(0);

    private long _provenSocket;
    private volatile Probe? _probe;

    private long Socket => redis.GetCounters().Subscription.SocketCount;

    public void Start()
    {
        _provenSocket = Socket;
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
            _failures.Release();
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                // Messages between the socket that was last proven and another are lost.
                if (await _failures.WaitAsync(LookEvery, _ended.Token) || Socket != _provenSocket)
                {
                    await RecoverAsync();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The guard's end.
        }
    }

    private async Task RecoverAsync()
    {
        bool restored;
        do
        {
            while (_failures.Wait(0))
            {
                // What was told before the proof is over with it.
            }

            restored = await IsBackAsync();
            lost(restored ? "the connection to Redis broke" : "the connection to Redis broke and is not there again", restored);
        }
        while (!restored && !_ended.IsCancellationRequested);
    }

    private async Task<bool> IsBackAsync()
    {
        var probe = _probe = new Probe();
        byte[] message = [Format, .. probe.Id.ToByteArray()];
        var isThere = false;
        var until = TimeProvider.System.GetTimestamp() + (long)(WaitTimeout.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (!_ended.IsCancellationRequested && TimeProvider.System.GetTimestamp() < until)
        {
            try
            {
                if (redis.GetSubscriber().IsConnected(channel))
                {
                    if (!isThere)
                    {
                        // Before it is proven: one that takes its place meanwhile is proven anew.
                        _provenSocket = Socket;
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
