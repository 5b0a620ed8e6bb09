using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace InferenceTemplate.Inference.Queue;

/// <summary>
/// Tells waiting consumers that their stream has new work. StackExchange.Redis shares one connection and so cannot
/// block on a read; a lost wake-up only costs the poll interval.
/// </summary>
public sealed class QueueWakeup(IConnectionMultiplexer redis) : IHostedService
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _signals = new(StringComparer.Ordinal);

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(QueueKeys.WakeChannel), (_, stream) => Signal(stream!));

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(QueueKeys.WakeChannel));

    internal Task WaitAsync(string stream, TimeSpan longest, CancellationToken cancellationToken) =>
        For(stream).WaitAsync(longest, cancellationToken);

    private void Signal(string stream)
    {
        var signal = For(stream);

        // One pending signal is enough: the reader empties the stream before it waits again.
        if (signal.CurrentCount == 0)
        {
            signal.Release();
        }
    }

    private SemaphoreSlim For(string stream) => _signals.GetOrAdd(stream, static _ => new SemaphoreSlim(0));
}
