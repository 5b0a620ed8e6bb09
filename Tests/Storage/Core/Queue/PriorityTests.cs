using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class PriorityTests(Servers servers)
{
    [Fact]
    public async Task Low_work_gets_its_share_of_a_flood_of_high_work()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 100_000);
        await queue.EnqueueManyAsync(Priority.High, 10_000);
        await queue.EnqueueManyAsync(Priority.Normal, 300);
        await queue.EnqueueManyAsync(Priority.Low, 300);
        await queue.EnqueueManyAsync(Priority.Shadow, 10);
        var worker = queue.Worker("w");

        // 2,100 deliveries are a hundred rounds of 21 turns, in batches that do not divide it.
        var taken = new List<Priority>();
        var wait = Wait.For("2,100 deliveries");
        while (taken.Count < 2_100)
        {
            wait.ThrowIfOver();
            var requests = await worker.ReadAsync(Math.Min(32, 2_100 - taken.Count));
            taken.AddRange(requests.Select(r => r.Request.Priority));
            await TestQueue.CompleteAsync(worker, requests);
        }

        // Low has all of its 100 turns; of normal's 400 turns the 100 for which it had no work went to high.
        Assert.Equal((1_700, 300, 100), (
            taken.Count(p => p == Priority.High), taken.Count(p => p == Priority.Normal), taken.Count(p => p == Priority.Low)));
        Assert.DoesNotContain(Priority.Shadow, taken);
    }

    [Fact]
    public async Task Single_reads_follow_the_weights_too()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueManyAsync(Priority.High, 50);
        await queue.EnqueueManyAsync(Priority.Normal, 50);
        await queue.EnqueueManyAsync(Priority.Low, 50);
        var worker = queue.Worker("w");

        var taken = new List<Priority>();
        for (var i = 0; i < 42; i++)
        {
            taken.Add(Assert.Single(await worker.ReadAsync(1)).Request.Priority);
        }

        Assert.Equal((32, 8, 2), (
            taken.Count(p => p == Priority.High), taken.Count(p => p == Priority.Normal), taken.Count(p => p == Priority.Low)));
    }

    [Theory]
    [InlineData(Priority.High)]
    [InlineData(Priority.Normal)]
    [InlineData(Priority.Low)]
    [InlineData(Priority.Shadow)]
    public async Task Level_that_is_alone_gets_every_turn(Priority priority)
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueManyAsync(priority, 40);

        var taken = await queue.Worker("w").ReadAsync(32);

        Assert.Equal(32, taken.Count);
    }

    [Fact]
    public async Task Shadow_work_comes_when_nothing_else_waits()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync(Priority.Shadow, kind: RequestKind.Shadow);
        await queue.EnqueueAsync(Priority.Low);
        var worker = queue.Worker("w");

        var first = Assert.Single(await worker.ReadAsync(1));
        var second = Assert.Single(await worker.ReadAsync(1));

        Assert.Equal((Priority.Low, Priority.Shadow), (first.Request.Priority, second.Request.Priority));
    }

    [Fact]
    public async Task Requests_of_one_level_come_in_the_order_in_which_they_were_queued()
    {
        var queue = new TestQueue(servers);
        var ids = new List<Guid>();
        for (var i = 0; i < 20; i++)
        {
            ids.Add((await queue.EnqueueAsync()).Id);
        }

        var taken = await queue.Worker("w").ReadAsync(20);

        Assert.Equal(ids, taken.Select(r => r.Request.Id));
    }

    [Fact]
    public async Task Workers_never_get_the_same_request()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 10_000);
        await queue.EnqueueManyAsync(Priority.Normal, 2_000);

        var shares = await Task.WhenAll(Enumerable.Range(0, 4).Select(async w =>
        {
            var worker = queue.Worker($"w{w}");
            var mine = new List<Guid>();
            var wait = Wait.For("the queue to be empty");
            while (await worker.ReadAsync(7) is { Count: > 0 } requests)
            {
                wait.ThrowIfOver();
                mine.AddRange(requests.Select(r => r.Request.Id));
            }

            return mine;
        }));

        Assert.Equal(2_000, shares.Sum(s => s.Count));
        Assert.Equal(2_000, shares.SelectMany(s => s).Distinct().Count());
    }
}
