using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class AdmissionTests(Servers servers)
{
    [Fact]
    public async Task Depth_is_exact_when_many_replicas_queue_at_once()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 50);
        RequestQueue[] replicas =
            [queue.Requests, new(servers.Redis, Microsoft.Extensions.Options.Options.Create(queue.Options), queue.Time)];

        var admissions = await Task.WhenAll(
            Enumerable.Range(0, 200).Select(i => replicas[i % 2].EnqueueAsync(queue.Request((Priority)(i % 3)))));

        Assert.Equal(50, admissions.Count(a => a.Outcome == EnqueueOutcome.Enqueued));
        Assert.Equal(150, admissions.Count(a => a.Outcome == EnqueueOutcome.Full));
        Assert.Equal(50, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Queue_is_full_of_bytes_before_its_depth_when_requests_are_large()
    {
        var queue = new TestQueue(servers, o => o.MaxBytes = 100_000);

        await queue.EnqueueAsync(bytes: 40_000);
        await queue.EnqueueAsync(bytes: 40_000);
        var third = await queue.Requests.EnqueueAsync(queue.Request(bytes: 40_000));
        var small = await queue.Requests.EnqueueAsync(queue.Request(bytes: 100));

        Assert.Equal(EnqueueOutcome.FullOfBytes, third.Outcome);
        Assert.Equal(EnqueueOutcome.Enqueued, small.Outcome);
    }

    [Theory]
    [InlineData(
        new[] { 40_000, 200_000, 40_000, 40_000, 100 },
        new[]
        {
            EnqueueOutcome.Enqueued, EnqueueOutcome.TooLarge, EnqueueOutcome.Enqueued, EnqueueOutcome.FullOfBytes, EnqueueOutcome.Enqueued,
        },
        100_000)]
    [InlineData(
        new[] { 700_000, 700_000, 2_000_000, 10 },
        new[] { EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued }, 10_000_000)]
    [InlineData(
        new[] { 10, 10, 10, 10, 10, 10 },
        new[] { EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued, EnqueueOutcome.Full },
        100_000, 4)]
    public async Task Jobs_are_queued_together_in_their_order_until_one_finds_the_queue_full(
        int[] sizes, EnqueueOutcome[] outcomes, int maxBytes, int maxDepth = 100)
    {
        var queue = new TestQueue(servers, o => (o.MaxBytes, o.MaxDepth) = (maxBytes, maxDepth));
        QueuedJob[] jobs = [.. sizes.Select(bytes => queue.Request(Priority.Low, bytes, RequestKind.Job))
            .Select(request => new QueuedJob(request, RequestCodec.Encode(request)))];

        Assert.Equal(outcomes, await queue.Requests.EnqueueJobsAsync(queue.Name, jobs));

        Guid[] queued = [.. jobs.Zip(outcomes).Where(j => j.Second == EnqueueOutcome.Enqueued).Select(j => j.First.Request.Id)];
        Assert.Equal(queued, (await queue.Worker("w").ReadAsync(10)).Select(r => r.Request.Id));
    }

    [Fact]
    public async Task Bytes_are_given_back_when_work_is_completed()
    {
        var queue = new TestQueue(servers, o => o.MaxBytes = 100_000);
        await queue.EnqueueAsync(bytes: 60_000);
        await queue.EnqueueAsync(bytes: 30_000);
        var worker = queue.Worker("w");
        var first = await worker.ReadAsync(1);

        await TestQueue.CompleteAsync(worker, first);
        await TestQueue.CompleteAsync(worker, first);

        var stats = await queue.StatsAsync();
        Assert.InRange(stats.Bytes, 30_000, 31_000);
        Assert.Equal(1, stats.Removed);
        await queue.EnqueueAsync(bytes: 60_000);
    }

    [Fact]
    public async Task Request_larger_than_the_whole_bound_is_told_so()
    {
        var queue = new TestQueue(servers, o => o.MaxBytes = 10_000);

        var admission = await queue.Requests.EnqueueAsync(queue.Request(bytes: 20_000));

        Assert.Equal(EnqueueOutcome.TooLarge, admission.Outcome);
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(-5)]
    public async Task Wrong_count_of_bytes_is_put_right_when_the_queue_is_empty(long wrong)
    {
        var queue = new TestQueue(servers, o => o.MaxBytes = 100_000);
        await queue.Redis.HashSetAsync(queue.State, "bytes", wrong);

        await queue.EnqueueAsync(bytes: 1_000);
        Assert.InRange((await queue.StatsAsync()).Bytes, 1_000, 1_500);

        await queue.Redis.HashSetAsync(queue.State, "bytes", wrong);
        var worker = queue.Worker("w");
        await TestQueue.CompleteAsync(worker, await worker.ReadAsync(1));
        Assert.Equal(0, (await queue.StatsAsync()).Bytes);
    }

    [Fact]
    public async Task Bytes_are_never_negative_when_redis_lost_its_data_while_work_ran()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync(bytes: 1_000);
        var worker = queue.Worker("w");
        var taken = await worker.ReadAsync(1);
        await FlushAsync(queue);
        await queue.EnqueueAsync(bytes: 500);

        await TestQueue.CompleteAsync(worker, taken);

        Assert.InRange((await queue.StatsAsync()).Bytes, 500, 900);
    }

    [Fact]
    public async Task Work_that_came_after_redis_lost_its_data_is_read()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync();
        var worker = queue.Worker("w");
        Assert.Single(await worker.ReadAsync(10));
        await FlushAsync(queue);
        var after = await queue.EnqueueAsync();

        var read = Assert.Single(await worker.ReadAsync(10));

        Assert.Equal(after.Id, read.Request.Id);
    }

    [Fact]
    public async Task Work_is_read_when_redis_has_forgotten_its_scripts_and_its_group()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync();
        var worker = queue.Worker("w");
        Assert.Single(await worker.ReadAsync(10));
        await queue.Redis.ExecuteAsync("SCRIPT", "FLUSH");
        await queue.Redis.ExecuteAsync("XGROUP", "DESTROY", $"inference:{{{queue.Name}}}:queue:normal", "workers");
        await queue.EnqueueAsync();

        // The group was all that knew of the first delivery, and what is in flight is not given out again by the same worker.
        Assert.Single(await worker.ReadAsync(10));
        Assert.Empty(await queue.Worker("other").ReadAsync(10));
    }

    [Fact]
    public async Task Shadow_work_is_admitted_only_below_half_of_the_bounds()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 10);
        await queue.EnqueueManyAsync(Priority.Normal, 4);

        var fifth = await queue.Requests.EnqueueAsync(queue.Request(Priority.Shadow));
        var sixth = await queue.Requests.EnqueueAsync(queue.Request(Priority.Shadow));

        Assert.Equal((EnqueueOutcome.Enqueued, EnqueueOutcome.Full), (fifth.Outcome, sixth.Outcome));
    }

    [Fact]
    public async Task Shadow_work_that_is_not_taken_makes_way_for_real_work()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 4);
        await queue.EnqueueManyAsync(Priority.Shadow, 2);
        var worker = queue.Worker("w");
        var taken = Assert.Single(await worker.ReadAsync(1));
        await queue.EnqueueManyAsync(Priority.Normal, 2);

        var squeezing = await queue.Requests.EnqueueAsync(queue.Request());
        var refused = await queue.Requests.EnqueueAsync(queue.Request());

        Assert.Equal((EnqueueOutcome.Enqueued, 1), (squeezing.Outcome, squeezing.Shed));
        Assert.Equal(EnqueueOutcome.Full, refused.Outcome);
        Assert.Equal(1, (await queue.StatsAsync()).Levels[(int)Priority.Shadow].Depth);
        await TestQueue.CompleteAsync(worker, [taken]);
        Assert.Equal(3, (await worker.ReadAsync(10)).Count);
    }

    [Fact]
    public async Task Shadow_work_makes_way_when_the_queue_is_full_of_bytes()
    {
        var queue = new TestQueue(servers, o => o.MaxBytes = 100_000);
        await queue.EnqueueAsync(Priority.Shadow, bytes: 20_000);
        await queue.EnqueueAsync(Priority.Shadow, bytes: 20_000);
        await queue.EnqueueAsync(bytes: 40_000);

        var squeezing = await queue.Requests.EnqueueAsync(queue.Request(bytes: 50_000));

        Assert.Equal((EnqueueOutcome.Enqueued, 2), (squeezing.Outcome, squeezing.Shed));
        Assert.InRange((await queue.StatsAsync()).Bytes, 90_000, 91_000);
    }

    [Fact]
    public async Task Request_past_its_deadline_is_not_queued()
    {
        var queue = new TestQueue(servers);

        var admission = await queue.Requests.EnqueueAsync(queue.Request(timeout: TimeSpan.FromSeconds(-1)));

        Assert.Equal(EnqueueOutcome.Expired, admission.Outcome);
        Assert.Equal(0, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Cached_answer_is_returned_and_nothing_is_queued()
    {
        var queue = new TestQueue(servers);
        var key = QueueKeys.ResponseCache(queue.Name.Model, queue.Name.Version, "abc");

        var miss = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(key));
        await queue.Redis.StringSetAsync(key, new byte[] { 0, 255, 13 });
        var hit = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(key));

        Assert.Equal(EnqueueOutcome.Enqueued, miss.Outcome);
        Assert.Equal(EnqueueOutcome.Cached, hit.Outcome);
        Assert.Equal([0, 255, 13], hit.CachedAnswer!);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);
    }

    // As FLUSHALL does, without taking other tests' data along.
    private static async Task FlushAsync(TestQueue queue)
    {
        await queue.Redis.KeyDeleteAsync(QueueKeysOf(queue));

        // Ids of entries begin with Redis's millisecond: within the same one, the next entry would get the id of a lost one.
        var lostAt = await NowAsync();
        await Wait.UntilAsync(async () => await NowAsync() != lostAt);

        async Task<long> NowAsync()
        {
            var now = (StackExchange.Redis.RedisResult[])(await queue.Redis.ExecuteAsync("TIME"))!;
            return ((long)now[0] * 1000) + ((long)now[1] / 1000);
        }
    }

    private static StackExchange.Redis.RedisKey[] QueueKeysOf(TestQueue queue) =>
    [
        .. ((string[])["queue:high", "queue:normal", "queue:low", "queue:shadow", "state", "cancelled", "dead"])
            .Select(name => (StackExchange.Redis.RedisKey)$"inference:{{{queue.Name}}}:{name}"),
    ];
}
