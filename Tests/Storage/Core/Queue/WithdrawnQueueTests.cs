using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

public sealed class WithdrawnQueueTests(Servers servers)
{
    private const string Reason = "there is no such version";

    [Fact]
    public async Task Calls_that_wait_are_refused_and_jobs_wait_on()
    {
        var queue = new TestQueue(servers);
        var replica = $"api-{Guid.NewGuid():N}";
        var heard = await HearAsync(replica);
        var worker = queue.Worker("w");
        Guid[] calls = [await CallAsync(queue, replica), await CallAsync(queue, replica), await CallAsync(queue, replica)];
        await worker.ReturnAsync(await worker.ReadAsync(1));
        await worker.RetryAsync(Assert.Single(await worker.ReadAsync(1)), "no good");
        var job = await queue.EnqueueAsync(kind: RequestKind.Job);

        await Withdrawn(queue).RefuseCallsAsync(queue.Name, Reason);

        await Wait.UntilAsync(() => Task.FromResult(heard.Count == 3));
        Assert.Equal(calls.Order(), heard.Select(r => r.Id).Order());
        Assert.All(heard, reply => Assert.Equal((ReplyOutcome.NotLoaded, Reason), (reply.Outcome, reply.Error)));
        Assert.Equal(job.Id, Assert.Single(await worker.ReadAsync(10)).Request.Id);
    }

    [Fact]
    public async Task Removal_refuses_calls_and_leaves_no_key_once_no_worker_holds_anything()
    {
        var queue = new TestQueue(servers, o => o.MaxDeliveries = 1);
        var replica = $"api-{Guid.NewGuid():N}";
        var heard = await HearAsync(replica);
        var worker = queue.Worker("w");
        await queue.EnqueueAsync();
        await worker.DeadLetterAsync(Assert.Single(await worker.ReadAsync(1)), "no good");
        var running = await CallAsync(queue, replica);
        var held = Assert.Single(await worker.ReadAsync(1));
        await queue.Requests.CancelAsync(queue.Name, Guid.NewGuid(), TimeProvider.System.GetUtcNow().AddMinutes(1));

        // More than one script takes.
        for (var i = 0; i < 5; i++)
        {
            await queue.EnqueueAsync(bytes: 400_000, kind: RequestKind.Job);
        }

        var waiting = await CallAsync(queue, replica);
        await Withdrawn(queue).RemoveAsync(queue.Name, Reason);

        await Wait.UntilAsync(() => Task.FromResult(heard.Count == 1));
        var reply = Assert.Single(heard);
        Assert.Equal((waiting, ReplyOutcome.NotLoaded, Reason), (reply.Id, reply.Outcome, reply.Error));
        var stats = await queue.StatsAsync();
        Assert.Equal((1, held.Bytes, 1), (stats.Depth, stats.Bytes, stats.DeadLetters));
        Assert.Empty(await worker.KeepAsync([held]));
        Assert.Equal(running, held.Request.Id);

        await TestQueue.CompleteAsync(worker, [held]);
        await Withdrawn(queue).RemoveAsync(queue.Name, Reason);
        Assert.Equal(0, await queue.Redis.KeyExistsAsync(QueueKeys.All(queue.Name)));
    }

    [Fact]
    public async Task What_a_worker_held_that_died_is_removed()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync(kind: RequestKind.Job);
        var lost = Assert.Single(await queue.Worker("dead").ReadAsync(1));
        await Withdrawn(queue).RemoveAsync(queue.Name, Reason);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);

        await DeliveryTests.AgeAsync(queue, lost, 1, 60_000);
        await Withdrawn(queue).RemoveAsync(queue.Name, Reason);

        Assert.Equal(0, await queue.Redis.KeyExistsAsync(QueueKeys.All(queue.Name)));
    }

    private WithdrawnQueues Withdrawn(TestQueue queue) => new(
        servers.Redis, Microsoft.Extensions.Options.Options.Create(queue.Options), queue.Time, NullLogger<WithdrawnQueues>.Instance);

    private static async Task<Guid> CallAsync(TestQueue queue, string replica)
    {
        var call = queue.Request() with { ReplyTo = replica };
        await queue.EnqueueAgainAsync(call);
        return call.Id;
    }

    private async Task<ConcurrentQueue<InferenceReply>> HearAsync(string replica)
    {
        var heard = new ConcurrentQueue<InferenceReply>();
        await servers.Redis.GetSubscriber().SubscribeAsync(
            RedisChannel.Literal(QueueKeys.Replies(replica)),
            (_, message) => ReplyBatch.Read((byte[])message!).ToList().ForEach(heard.Enqueue));
        return heard;
    }
}
