using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Tells waiting consumers that their queue has new work. StackExchange.Redis shares one connection and so cannot
/// block on a read; a lost wake-up only costs the poll interval.
/// </summary>
public sealed class QueueWakeup(IConnectionMultiplexer redis) : IHostedService
{
    private readonly ConcurrentDictionary<QueueName, SemaphoreSlim> _signals = new();

    /// <summary>
    /// Any queue has new work, whether or not this worker serves it. Called on the connection's reader: be quick.
    /// </summary>
    public Action<QueueName>? Woken { get; set; }

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(QueueKeys.WakeChannel), Signal);

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(QueueKeys.WakeChannel), Signal);

    internal Task WaitAsync(QueueName queue, TimeSpan longest, CancellationToken cancellationToken) =>
        _signals.GetOrAdd(queue, static _ => new SemaphoreSlim(0)).WaitAsync(longest, cancellationToken);

    private void Signal(RedisChannel channel, RedisValue message)
    {
        if (!QueueName.TryParse(message, out var queue))
        {
            return;
        }

        // One pending signal is enough: the reader empties the queue before it waits again.
        if (_signals.TryGetValue(queue, out var signal) && signal.CurrentCount == 0)
        {
            signal.Release();
        }

        Woken?.Invoke(queue);
    }
}
