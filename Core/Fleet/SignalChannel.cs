using InferenceTemplate.Core.Queue;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Fleet;

/// <summary>Words without content to all processes that listen at that moment.</summary>
public sealed class SignalChannel(IConnectionMultiplexer redis)
{
    public Task SubscribeAsync(string channel, Action heard) =>
        redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(channel), (_, _) => heard());

    public Task UnsubscribeAsync(string channel) => redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(channel));

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
}
