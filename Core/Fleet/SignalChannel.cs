using InferenceTemplate.Core.Queue;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Fleet;

/// <summary>Words without content to all processes that listen at that moment.</summary>
public sealed class SignalChannel(IConnectionMultiplexer redis)
{
    /// <returns>Ends this subscription, and no other of the process.</returns>
    public async Task<IAsyncDisposable> SubscribeAsync(string channel, Action heard)
    {
        var subscription = new Subscription(redis.GetSubscriber(), RedisChannel.Literal(channel), (_, _) => heard());
        await subscription.StartAsync();
        return subscription;
    }

    /// <exception cref="QueueUnavailableException">Redis can't be reached.</exception>
    public async Task PublishAsync(string channel)
    {
        try
        {
            await redis.GetSubscriber().PublishAsync(RedisChannel.Literal(channel), "");
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }

    private sealed class Subscription(ISubscriber subscriber, RedisChannel channel, Action<RedisChannel, RedisValue> heard) : IAsyncDisposable
    {
        public Task StartAsync() => subscriber.SubscribeAsync(channel, heard);

        public async ValueTask DisposeAsync() => await subscriber.UnsubscribeAsync(channel, heard);
    }
}
