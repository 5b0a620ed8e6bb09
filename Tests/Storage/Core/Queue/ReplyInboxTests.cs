using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

/// <summary>How answers come back, and what their callers hear when they can't.</summary>
public sealed class ReplyInboxTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_waits_learns_at_once_that_the_subscription_broke_and_who_asks_later_is_answered()
    {
        await using var replica = await Replica.StartAsync(servers);
        using var waiting = replica.Inbox.Expect(Guid.NewGuid());

        await replica.KillSubscriptionAsync();

        var lost = await Assert.ThrowsAsync<ReplyLostException>(() => waiting.Reply.WaitAsync(Wait.DefaultLimit, Cancellation));
        Assert.True(lost.Restored);
        Assert.Equal(0, replica.Inbox.Waiting);

        var id = Guid.NewGuid();
        using var next = replica.Inbox.Expect(id);
        await replica.AnswerAsync(id, bytes: 8);
        Assert.Equal(8, (await next.Reply.WaitAsync(Wait.DefaultLimit, Cancellation)).Outputs[0].Data.Length);
    }

    [Fact]
    public async Task Subscription_that_breaks_again_and_again_loses_no_waiter()
    {
        await using var replica = await Replica.StartAsync(servers);
        for (var i = 0; i < 5; i++)
        {
            using var waiting = replica.Inbox.Expect(Guid.NewGuid());
            await replica.KillSubscriptionAsync();
            await Assert.ThrowsAsync<ReplyLostException>(() => waiting.Reply.WaitAsync(Wait.DefaultLimit, Cancellation));
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(Replies.MaxMessageBytes)]
    [InlineData(1 << 20)]
    [InlineData((5 << 20) + 7)]
    public async Task Answer_comes_as_it_was_given_whatever_its_size(int bytes)
    {
        await using var replica = await Replica.StartAsync(servers);
        var id = Guid.NewGuid();
        using var waiting = replica.Inbox.Expect(id);

        var data = await replica.AnswerAsync(id, bytes);

        Assert.Equal(data, (await waiting.Reply.WaitAsync(Wait.DefaultLimit, Cancellation)).Outputs[0].Data.ToArray());
        await Wait.UntilAsync(async () => !await servers.Redis.GetDatabase().KeyExistsAsync(QueueKeys.Answer(id, 0)));
    }

    [Fact]
    public async Task Large_answer_that_nobody_waits_for_is_removed()
    {
        await using var replica = await Replica.StartAsync(servers);
        var id = Guid.NewGuid();

        await replica.AnswerAsync(id, 3 << 20);

        await Wait.UntilAsync(async () =>
            await servers.Redis.GetDatabase()
                .KeyExistsAsync([QueueKeys.Answer(id, 0), QueueKeys.Answer(id, 1), QueueKeys.Answer(id, 2)]) == 0);
    }

    [Fact]
    public async Task Large_answer_to_a_replica_that_is_gone_expires_soon_after_the_deadline()
    {
        var queue = new TestQueue(servers);
        var request = await queue.EnqueueAsync(timeout: TimeSpan.FromSeconds(20));
        var worker = queue.Worker("w");
        var taken = await TestQueue.ReadUntilAsync(worker);

        await worker.CompleteAsync(taken, Replica.Answer(request, new byte[2 << 20]));

        var left = await queue.Redis.KeyTimeToLiveAsync(QueueKeys.Answer(request.Id, 1));
        Assert.InRange(left!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(36));
    }

    [Fact]
    public async Task Answer_whose_parts_are_gone_is_lost_and_may_be_asked_for_again()
    {
        await using var replica = await Replica.StartAsync(servers);
        var claim = new ReplyClaim(Guid.NewGuid(), 3 << 20, 1 << 20);
        using var waiting = replica.Inbox.Expect(claim.Id);

        await replica.PublishAsync(claim.Encode());

        var lost = await Assert.ThrowsAsync<ReplyLostException>(() => waiting.Reply.WaitAsync(Wait.DefaultLimit, Cancellation));
        Assert.True(lost.Restored);
    }

    [Fact]
    public async Task Answer_that_is_larger_than_this_replica_allows_is_not_read()
    {
        await using var replica = await Replica.StartAsync(servers);
        var claim = new ReplyClaim(Guid.NewGuid(), int.MaxValue, 1 << 20);
        using var waiting = replica.Inbox.Expect(claim.Id);

        await replica.PublishAsync(claim.Encode());

        var reply = await waiting.Reply.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal((ReplyOutcome.TooLarge, "the answer has 2147483647 bytes; 67108864 are allowed (Limits:ResponseBytes)"),
            (reply.Outcome, reply.Error));
    }

    [Fact]
    public async Task Caller_is_told_at_once_when_redis_refuses_the_answer()
    {
        await using var replica = await Replica.StartAsync(servers);
        var queue = new TestQueue(servers);
        var request = queue.Request() with { ReplyTo = replica.Inbox.Replica };
        using var waiting = replica.Inbox.Expect(request.Id);
        await queue.EnqueueAgainAsync(request);

        // A user that may do all but write answers stands in for a server that has no memory: both refuse the command.
        await using var refused = await RestrictedAsync();
        var worker = new QueueConsumer(
            refused, new QueueWakeup(refused), new QueueCancellations(refused), Options.Create(queue.Options),
            TimeProvider.System, NullLogger<QueueConsumer>.Instance, "w", queue.Name.Model, queue.Name.Version);
        var taken = await TestQueue.ReadUntilAsync(worker);
        await worker.CompleteAsync(taken, Replica.Answer(request, new byte[2 << 20]));

        var reply = await waiting.Reply.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal(ReplyOutcome.Unavailable, reply.Outcome);
        Assert.Matches("^the answer of 2097[0-9]{3} bytes could not be handed over: Redis did not take it$", reply.Error);
        Assert.Equal(0, (await queue.StatsAsync()).Depth);
    }

    private async Task<ConnectionMultiplexer> RestrictedAsync()
    {
        var options = await OptionsAsync(servers);
        await using (var admin = await ConnectionMultiplexer.ConnectAsync(options))
        {
            await admin.GetDatabase().ExecuteAsync("ACL", "SETUSER", "worker", "on", ">worker", "+@all", "&*", "~inference:{*");
        }

        (options.User, options.Password) = ("worker", "worker");
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    private static async Task<ConfigurationOptions> OptionsAsync(Servers servers)
    {
        var options = ConfigurationOptions.Parse((await servers.App.GetConnectionStringAsync("redis", Cancellation))!);
        options.AllowAdmin = true;
        return options;
    }

    /// <summary>An Api replica's inbox over a connection of its own.</summary>
    private sealed class Replica : IAsyncDisposable
    {
        private readonly Servers _servers;
        private readonly ConnectionMultiplexer _redis;

        private Replica(Servers servers, ConnectionMultiplexer redis)
        {
            (_servers, _redis) = (servers, redis);
            Inbox = new ReplyInbox(redis, Options.Create(new ResponseOptions()), NullLogger<ReplyInbox>.Instance);
        }

        public ReplyInbox Inbox { get; }

        public static async Task<Replica> StartAsync(Servers servers)
        {
            var options = await OptionsAsync(servers);
            options.ClientName = $"replica-{Guid.NewGuid():N}";
            var replica = new Replica(servers, await ConnectionMultiplexer.ConnectAsync(options));
            await replica.Inbox.StartAsync(Cancellation);
            return replica;
        }

        public async Task KillSubscriptionAsync()
        {
            // Also while it is being made anew.
            var wait = Wait.For("the subscription's connection");
            while (true)
            {
                var clients = (string)(await _redis.GetDatabase().ExecuteAsync("CLIENT", "LIST", "TYPE", "pubsub"))!;
                if (clients.Split('\n')
                    .FirstOrDefault(c => c.Contains($" name={_redis.ClientName} ", StringComparison.Ordinal)) is { } client)
                {
                    Assert.Equal(1, (int)await _redis.GetDatabase()
                        .ExecuteAsync("CLIENT", "KILL", "ID", client["id=".Length..client.IndexOf(' ', StringComparison.Ordinal)]));
                    return;
                }

                await wait.PauseAsync();
            }
        }

        /// <summary>Has a worker answer a request of this id.</summary>
        /// <returns>What its output holds.</returns>
        public async Task<byte[]> AnswerAsync(Guid id, int bytes)
        {
            var data = new byte[bytes];
            new Random(bytes).NextBytes(data);
            var queue = new TestQueue(_servers);
            var request = queue.Request() with { Id = id, ReplyTo = Inbox.Replica };
            await queue.EnqueueAgainAsync(request);
            var worker = queue.Worker("w");
            await worker.CompleteAsync(await TestQueue.ReadUntilAsync(worker), Answer(request, data));
            return data;
        }

        public Task<long> PublishAsync(byte[] message) =>
            _redis.GetSubscriber().PublishAsync(RedisChannel.Literal(QueueKeys.Replies(Inbox.Replica)), message);

        public static Replies Answer(InferenceRequest request, byte[] data)
        {
            var replies = new Replies();
            var reply = replies.For(request, ReplyBatch.AnswerSize("w") + ReplyBatch.OutputSize("y", 1, data.Length));
            reply.Add(request.Id, ReplyOutcome.Completed, null, TimeSpan.Zero, TimeSpan.Zero, 1, "w", outputs: 1);
            reply.AddOutput("y", Datatype.Uint8, [data.Length], data);
            return replies;
        }

        public async ValueTask DisposeAsync()
        {
            await Inbox.StopAsync(CancellationToken.None);
            await _redis.DisposeAsync();
        }
    }
}
