using System.Threading.Channels;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

public sealed class WakeupTests(Servers servers)
{
    private const string Channel = "inference:wake";

    [Fact]
    public async Task Workers_are_woken_once_until_one_of_them_has_found_nothing()
    {
        var queue = new TestQueue(servers);
        var worker = queue.Worker("a");
        await using var heard = await WakeUps.ListenAsync(servers.Redis, queue.Name);

        await queue.EnqueueAsync();
        await queue.EnqueueAsync();
        Assert.Equal(1, await heard.CountAsync());

        // It has found something, hence comes back by itself.
        Assert.Equal(2, (await worker.ReadAsync(10)).Count);
        await queue.EnqueueAsync();
        Assert.Equal(1, await heard.CountAsync());

        Assert.Single(await worker.ReadAsync(10));
        Assert.Empty(await worker.ReadAsync(10));
        await queue.EnqueueAsync();
        Assert.Equal(2, await heard.CountAsync());
    }

    [Fact]
    public async Task Queue_that_redis_forgot_wakes_again()
    {
        var queue = new TestQueue(servers);
        await using var heard = await WakeUps.ListenAsync(servers.Redis, queue.Name);

        await queue.EnqueueAsync();
        await queue.Redis.KeyDeleteAsync(queue.State);
        await queue.EnqueueAsync();

        Assert.Equal(2, await heard.CountAsync());
    }

    /// <summary>What a worker hears of one queue.</summary>
    private sealed class WakeUps(IConnectionMultiplexer redis, QueueName queue) : IAsyncDisposable
    {
        private readonly Channel<string> _heard = System.Threading.Channels.Channel.CreateUnbounded<string>();
        private int _count;

        public static async Task<WakeUps> ListenAsync(IConnectionMultiplexer redis, QueueName queue)
        {
            var heard = new WakeUps(redis, queue);
            await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(Channel), heard.Hear);
            return heard;
        }

        /// <summary>How many came up to now: a message of its own comes after them.</summary>
        public async Task<int> CountAsync()
        {
            var mark = Guid.NewGuid().ToString();
            await redis.GetSubscriber().PublishAsync(RedisChannel.Literal(Channel), mark);
            while (await _heard.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Wait.DefaultLimit) is var message
                && message != mark)
            {
                _count += message == queue.ToString() ? 1 : 0;
            }

            return _count;
        }

        public async ValueTask DisposeAsync() => await redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(Channel), Hear);

        private void Hear(RedisChannel channel, RedisValue message) => _heard.Writer.TryWrite(message.ToString());
    }
}
