using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

public sealed class DeadLetterTests(Servers servers)
{
    [Fact]
    public async Task Request_that_ends_its_workers_becomes_a_dead_letter_and_its_caller_hears()
    {
        var queue = new TestQueue(servers, o => o.MaxDeliveries = 2);
        var request = await queue.EnqueueAsync(bytes: 100);
        var heard = new TaskCompletionSource<InferenceReply>();
        await servers.Redis.GetSubscriber().SubscribeAsync(
            RedisChannel.Literal("inference:replies:api-test"),
            (_, message) =>
            {
                foreach (var reply in ReplyBatch.Read((byte[])message!).Where(r => r.Id == request.Id))
                {
                    heard.TrySetResult(reply);
                }
            });
        for (var delivery = 1; delivery <= 2; delivery++)
        {
            var taken = Assert.Single(await queue.Worker($"dead{delivery}").ReadAsync(1));
            Assert.Equal(delivery, taken.Deliveries);
            await DeliveryTests.AgeAsync(queue, taken, delivery, 60_000);
        }

        Assert.Empty(await queue.Worker("other").ReadAsync(10));

        var letter = Assert.Single(await queue.DeadLetters.ListAsync(queue.Name, null, 10));
        Assert.Equal((request.Id, 3), (letter.Request!.Id, letter.Deliveries));
        Assert.Contains("given to a worker 2 times", letter.Reason, StringComparison.Ordinal);
        var stats = await queue.StatsAsync();
        Assert.Equal((0, 0, 1), (stats.Depth, stats.Bytes, stats.DeadLetters));
        Assert.Equal(ReplyOutcome.Unavailable, (await heard.Task.WaitAsync(TestContext.Current.CancellationToken)).Outcome);
    }

    [Fact]
    public async Task Retry_makes_a_dead_letter_of_the_last_delivery()
    {
        var queue = new TestQueue(servers, o => o.MaxDeliveries = 1);
        await queue.EnqueueAsync(kind: RequestKind.Job);
        var worker = queue.Worker("w");
        var held = Assert.Single(await worker.ReadAsync(1));

        Assert.False(await worker.RetryAsync(held, "the device was lost"));

        Assert.Equal("the device was lost", Assert.Single(await queue.DeadLetters.ListAsync(queue.Name, null, 10)).Reason);
        Assert.Empty(worker.InFlight);
    }

    [Fact]
    public async Task Request_stays_queued_when_what_must_come_before_its_death_fails()
    {
        var queue = new TestQueue(servers, o => o.MaxDeliveries = 1);
        await queue.EnqueueAsync();
        var lost = Assert.Single(await queue.Worker("dead").ReadAsync(1));
        await DeliveryTests.AgeAsync(queue, lost, 1, 60_000);
        var worker = queue.Worker("w");
        worker.BeforeDeadLetter = (_, _) => throw new InvalidOperationException("Postgres is away");

        Assert.Empty(await worker.ReadAsync(10));
        var stats = await queue.StatsAsync();
        Assert.Equal((1, 0), (stats.Depth, stats.DeadLetters));

        await DeliveryTests.AgeAsync(queue, lost, 2, 60_000);
        var told = new List<string>();
        var other = queue.Worker("other");
        other.BeforeDeadLetter = (request, reason) =>
        {
            told.Add(reason);
            return Task.CompletedTask;
        };
        Assert.Empty(await other.ReadAsync(10));
        Assert.Single(told);
        Assert.Equal(1, (await queue.StatsAsync()).DeadLetters);
    }

    [Fact]
    public async Task Dead_letter_that_is_requeued_is_read_as_new()
    {
        var queue = new TestQueue(servers);
        var requests = await DeadLetterAsync(queue, 1);
        var letter = Assert.Single(await queue.DeadLetters.ListAsync(queue.Name, null, 10));

        Assert.Equal(RequeueOutcome.Requeued, await queue.DeadLetters.RequeueAsync(queue.Name, letter.Id));
        Assert.Equal(RequeueOutcome.Unknown, await queue.DeadLetters.RequeueAsync(queue.Name, letter.Id));

        var read = Assert.Single(await queue.Worker("w").ReadAsync(10));
        Assert.Equal((requests[0], 1), (read.Request.Id, read.Deliveries));
        Assert.Empty(await queue.DeadLetters.ListAsync(queue.Name, null, 10));
    }

    [Fact]
    public async Task Dead_letter_of_a_job_is_left_to_whoever_keeps_the_job_though_the_queue_is_full()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 1);
        var job = queue.Request() with { Kind = RequestKind.Job, EarlierDeliveries = queue.Options.MaxDeliveries };
        await queue.EnqueueAgainAsync(job);
        Assert.Empty(await queue.Worker("w").ReadAsync(10));
        var letter = Assert.Single(await queue.DeadLetters.ListAsync(queue.Name, null, 10));
        await queue.EnqueueAsync();
        var (asked, may) = (new List<Guid>(), false);
        var letters = queue.DeadLetters;
        letters.RequeueJob = id =>
        {
            asked.Add(id);
            return Task.FromResult(may);
        };

        Assert.Equal(RequeueOutcome.Unknown, await letters.RequeueAsync(queue.Name, letter.Id));
        Assert.Single(await letters.ListAsync(queue.Name, null, 10));
        may = true;
        Assert.Equal(RequeueOutcome.Requeued, await letters.RequeueAsync(queue.Name, letter.Id));
        Assert.Empty(await letters.ListAsync(queue.Name, null, 10));
        Assert.Equal([job.Id, job.Id], asked);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Dead_letter_of_a_call_that_was_lost_with_its_workers_is_read_as_new_too()
    {
        var queue = new TestQueue(servers);
        var lost = queue.Request() with { EarlierDeliveries = queue.Options.MaxDeliveries };
        await queue.EnqueueAgainAsync(lost);
        Assert.Empty(await queue.Worker("w").ReadAsync(10));
        var letter = Assert.Single(await queue.DeadLetters.ListAsync(queue.Name, null, 10));

        Assert.Equal(RequeueOutcome.Requeued, await queue.DeadLetters.RequeueAsync(queue.Name, letter.Id));

        var read = Assert.Single(await queue.Worker("w").ReadAsync(10));
        Assert.Equal((lost.Id, 1), (read.Request.Id, read.AllDeliveries));
    }

    [Fact]
    public async Task Dead_letters_are_requeued_only_as_far_as_the_queue_has_room()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 3);
        await DeadLetterAsync(queue, 3);
        await queue.EnqueueAsync();

        var requeued = await queue.DeadLetters.RequeueAllAsync(queue.Name);

        var stats = await queue.StatsAsync();
        Assert.Equal((2, 3, 1), (requeued, stats.Depth, stats.DeadLetters));
    }

    [Fact]
    public async Task Dead_letters_are_listed_by_pages_and_purged_by_one_or_all()
    {
        var queue = new TestQueue(servers);
        var ids = await DeadLetterAsync(queue, 5);

        var first = await queue.DeadLetters.ListAsync(queue.Name, null, 3);
        var second = await queue.DeadLetters.ListAsync(queue.Name, first[^1].Id, 3);
        Assert.Equal(ids, first.Concat(second).Select(l => l.Request!.Id));

        Assert.True(await queue.DeadLetters.PurgeAsync(queue.Name, first[0].Id));
        Assert.False(await queue.DeadLetters.PurgeAsync(queue.Name, first[0].Id));
        Assert.Equal(4, await queue.DeadLetters.PurgeAllAsync(queue.Name));
        Assert.Empty(await queue.DeadLetters.ListAsync(queue.Name, null, 3));
    }

    [Fact]
    public async Task Oldest_dead_letters_go_when_there_are_too_many()
    {
        var queue = new TestQueue(servers, o => o.MaxDeadLetters = 2);

        var ids = await DeadLetterAsync(queue, 3);

        Assert.Equal(ids[1..], (await queue.DeadLetters.ListAsync(queue.Name, null, 10)).Select(l => l.Request!.Id));
    }

    private static async Task<List<Guid>> DeadLetterAsync(TestQueue queue, int count)
    {
        var ids = new List<Guid>();
        var worker = queue.Worker("gravedigger");
        for (var i = 0; i < count; i++)
        {
            ids.Add((await queue.EnqueueAsync()).Id);
            await worker.DeadLetterAsync(Assert.Single(await worker.ReadAsync(1)), "no good");
        }

        return ids;
    }
}
