using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

public sealed class DeliveryTests(Servers servers)
{
    [Theory]
    [InlineData(1, 9_000, false)]
    [InlineData(1, 10_001, true)]
    [InlineData(2, 10_500, false)]
    [InlineData(2, 11_001, true)]
    [InlineData(3, 11_500, false)]
    [InlineData(3, 12_001, true)]
    public async Task Work_of_a_dead_worker_is_due_after_the_visibility_time_and_a_backoff(int deliveries, int idle, bool due)
    {
        var queue = new TestQueue(servers, o => o.MaxDeliveries = 5);
        var request = await queue.EnqueueAsync();
        var lost = Assert.Single(await queue.Worker("dead").ReadAsync(1));
        await AgeAsync(queue, lost, deliveries, idle);

        var found = await queue.Worker("other").ReadAsync(10);

        Assert.Equal(due ? [request.Id] : [], found.Select(r => r.Request.Id));
        Assert.All(found, r => Assert.Equal((deliveries + 1, true), (r.Deliveries, r.RunsAlone)));
    }

    [Fact]
    public async Task Work_that_is_postponed_keeps_no_other_from_its_turn_and_comes_again()
    {
        var queue = new TestQueue(servers);
        var later = await queue.EnqueueAsync();
        var worker = queue.Worker("one");
        await worker.PostponeAsync(await worker.ReadAsync(1), TimeSpan.FromSeconds(1));
        var now = await queue.EnqueueAsync();

        Assert.Equal(now.Id, Assert.Single(await worker.ReadAsync(1)).Request.Id);
        IReadOnlyList<QueuedRequest> again = [];
        await Wait.UntilAsync(async () => (again = await worker.ReadAsync(1)).Count == 1);
        Assert.Equal((later.Id, 1, false), (again[0].Request.Id, again[0].Deliveries, again[0].RunsAlone));
    }

    [Fact]
    public async Task Work_in_hand_that_is_kept_is_given_to_nobody_else()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync();
        var worker = queue.Worker("dead");
        var held = await worker.ReadAsync(1);
        await AgeAsync(queue, held[0], 1, 60_000);

        var lost = await worker.KeepAsync(worker.InFlight);

        Assert.Empty(lost);
        Assert.Empty(await queue.Worker("other").ReadAsync(10));
    }

    [Fact]
    public async Task Worker_that_was_silent_learns_that_another_has_its_work()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync();
        await queue.EnqueueAsync();
        var silent = queue.Worker("silent");
        var held = await silent.ReadAsync(2);
        await AgeAsync(queue, held[0], 1, 60_000);
        var taken = Assert.Single(await queue.Worker("other").ReadAsync(10));

        var lost = await silent.KeepAsync(silent.InFlight);

        Assert.Equal(taken.EntryId, Assert.Single(lost).EntryId);
        Assert.Equal(held[1].EntryId, Assert.Single(silent.InFlight).EntryId);
    }

    [Theory]
    [InlineData("complete")]
    [InlineData("return")]
    [InlineData("postpone")]
    [InlineData("retry")]
    [InlineData("dead-letter")]
    public async Task Worker_that_was_silent_takes_nothing_from_the_one_that_has_its_work(string end)
    {
        var queue = new TestQueue(servers);
        var request = await queue.EnqueueAsync(kind: RequestKind.Job);
        var silent = queue.Worker("silent");
        var held = await silent.ReadAsync(1);
        await AgeAsync(queue, held[0], 1, 60_000);
        var other = queue.Worker("other");
        var taken = Assert.Single(await other.ReadAsync(10));

        await (end switch
        {
            "complete" => TestQueue.CompleteAsync(silent, held),
            "return" => silent.ReturnAsync(held),
            "postpone" => silent.PostponeAsync(held, TimeSpan.FromSeconds(1)),
            "retry" => silent.RetryAsync(held[0], "for the test"),
            _ => silent.DeadLetterAsync(held[0], "for the test"),
        });

        Assert.Empty(silent.InFlight);
        Assert.Empty(await queue.Worker("third").ReadAsync(10));
        var stats = await queue.StatsAsync();
        Assert.Equal((1L, 0L, (long)taken.Bytes), ((long)stats.Depth, (long)stats.DeadLetters, (long)stats.Bytes));
        Assert.Empty(await other.KeepAsync(other.InFlight));
        await TestQueue.CompleteAsync(other, [taken]);
        Assert.Equal((request.Id, 0), (taken.Request.Id, (await queue.StatsAsync()).Depth));
    }

    [Fact]
    public async Task Worker_does_not_run_its_own_late_work_twice()
    {
        var queue = new TestQueue(servers, o => o.VisibilityTime = TimeSpan.FromMilliseconds(100));
        await queue.EnqueueAsync();
        var worker = queue.Worker("w");
        var held = await worker.ReadAsync(1);
        await AgeAsync(queue, held[0], 3, 60_000);

        // As long as it takes until the worker looks for lost work again.
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Empty(await worker.ReadAsync(10));
        Assert.Equal(0, (await queue.StatsAsync()).DeadLetters);
    }

    [Fact]
    public async Task Work_that_redis_lost_while_it_ran_still_belongs_to_its_worker()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueAsync();
        var worker = queue.Worker("w");
        await worker.ReadAsync(1);
        await queue.Redis.KeyDeleteAsync($"inference:{{{queue.Name}}}:queue:normal");

        Assert.Empty(await worker.KeepAsync(worker.InFlight));
        Assert.Single(worker.InFlight);
    }

    [Fact]
    public async Task Returned_work_goes_to_another_worker_at_once_before_what_came_later_and_uncounted()
    {
        var queue = new TestQueue(servers);
        var first = await queue.EnqueueAsync();
        var second = await queue.EnqueueAsync(Priority.Low);
        var stopping = queue.Worker("stopping");
        var held = await stopping.ReadAsync(2);
        var later = await queue.EnqueueAsync();

        await stopping.ReturnAsync(held);
        var taken = await queue.Worker("other").ReadAsync(10);

        Assert.Equal([first.Id, second.Id, later.Id], taken.Select(r => r.Request.Id));
        Assert.All(taken, r => Assert.Equal((1, false), (r.Deliveries, r.RunsAlone)));
        Assert.Empty(stopping.InFlight);
    }

    [Fact]
    public async Task Returned_work_comes_bit_by_bit_when_less_is_asked_for()
    {
        var queue = new TestQueue(servers);
        await queue.EnqueueManyAsync(Priority.Normal, 5);
        var stopping = queue.Worker("stopping");
        await stopping.ReturnAsync(await stopping.ReadAsync(5));
        var other = queue.Worker("other");

        var taken = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            taken.Add(Assert.Single(await other.ReadAsync(1)).EntryId);
        }

        Assert.Equal(5, taken.Distinct(StringComparer.Ordinal).Count());
        Assert.Empty(await other.ReadAsync(1));
    }

    [Fact]
    public async Task Returned_work_behind_one_that_expired_is_not_passed_by_what_came_later()
    {
        var time = new ShiftedTime();
        var queue = new TestQueue(servers, time: time);
        await queue.EnqueueAsync(timeout: TimeSpan.FromMinutes(1));
        var alive = await queue.EnqueueAsync(timeout: TimeSpan.FromMinutes(5));
        var stopping = queue.Worker("stopping");
        await stopping.ReturnAsync(await stopping.ReadAsync(2));
        await queue.EnqueueAsync(timeout: TimeSpan.FromMinutes(5));
        time.Advance(TimeSpan.FromMinutes(2));

        var other = queue.Worker("other");
        List<QueuedRequest> taken = [.. await other.ReadAsync(1), .. await other.ReadAsync(1)];

        Assert.Contains(alive.Id, taken.Select(r => r.Request.Id));
    }

    [Fact]
    public async Task Retried_work_comes_again_after_its_backoff_and_is_counted()
    {
        var queue = new TestQueue(servers, o => o.RetryBackoff = TimeSpan.FromMilliseconds(50));
        var request = await queue.EnqueueAsync();
        var worker = queue.Worker("w");
        var held = Assert.Single(await worker.ReadAsync(1));

        Assert.True(await worker.RetryAsync(held, "the device was lost"));
        var again = Assert.Single(await TestQueue.ReadUntilAsync(worker));

        Assert.Equal((request.Id, 2), (again.Request.Id, again.Deliveries));
    }

    [Fact]
    public async Task Call_of_a_dead_worker_is_dropped_when_its_deadline_has_passed_and_a_job_is_not()
    {
        var time = new ShiftedTime();
        var queue = new TestQueue(servers, time: time);
        var call = await queue.EnqueueAsync(timeout: TimeSpan.FromMinutes(1));
        var job = await queue.EnqueueAsync(kind: RequestKind.Job, timeout: TimeSpan.FromMinutes(1));
        var lost = await queue.Worker("dead").ReadAsync(2);
        Assert.Equal([call.Id, job.Id], lost.Select(r => r.Request.Id));
        time.Advance(TimeSpan.FromMinutes(2));
        await AgeAsync(queue, lost[0], 1, 60_000);
        await AgeAsync(queue, lost[1], 1, 60_000);

        var found = await queue.Worker("other").ReadAsync(10);

        Assert.Equal(job.Id, Assert.Single(found).Request.Id);
        Assert.Equal([("expired", 1)], queue.Dropped);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Expired_calls_are_dropped_and_do_not_take_the_place_of_live_ones()
    {
        var time = new ShiftedTime();
        var queue = new TestQueue(servers, time: time);
        for (var i = 0; i < 40; i++)
        {
            await queue.Requests.EnqueueAsync(queue.Request(timeout: TimeSpan.FromMinutes(1)));
        }

        time.Advance(TimeSpan.FromMinutes(2));
        var live = await queue.EnqueueAsync();

        var read = Assert.Single(await queue.Worker("w").ReadAsync(1));

        Assert.Equal(live.Id, read.Request.Id);
        Assert.Equal(40, queue.Dropped.Where(d => d.Reason == "expired").Sum(d => d.Count));
        Assert.Equal(1, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Consumer_of_a_dead_worker_is_forgotten_when_it_has_no_work_left()
    {
        // For as long as a busy machine may take between two looks.
        var queue = new TestQueue(servers, o => o.VisibilityTime = TimeSpan.FromSeconds(2));
        await queue.EnqueueAsync();
        await queue.EnqueueAsync();
        var dead = queue.Worker("dead");
        await TestQueue.CompleteAsync(dead, await dead.ReadAsync(1));
        var held = queue.Worker("held");
        await held.ReadAsync(1);
        RedisKey stream = $"inference:{{{queue.Name}}}:queue:normal";

        var names = new List<string> { "dead" };
        var wait = Wait.For("the dead consumer to be removed");
        while (names.Contains("dead", StringComparer.Ordinal))
        {
            await wait.PauseAsync();
            await held.KeepAsync(held.InFlight);
            await queue.Worker("alive").ReadAsync(1);
            names = [.. (await queue.Redis.StreamConsumerInfoAsync(stream, "workers")).Select(c => c.Name)];
        }

        Assert.Contains("held", names);
    }

    [Fact]
    public async Task Entry_that_cannot_be_read_is_removed_and_keeps_nobody_from_theirs()
    {
        var queue = new TestQueue(servers);
        RedisKey stream = $"inference:{{{queue.Name}}}:queue:normal";
        await queue.Redis.StreamAddAsync(stream, "request", "rubbish");
        await queue.Redis.StreamAddAsync(stream, "something", "else");
        var request = await queue.EnqueueAsync();

        var read = Assert.Single(await queue.Worker("w").ReadAsync(10));

        Assert.Equal(request.Id, read.Request.Id);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);
        Assert.Equal([("unreadable", 1), ("unreadable", 1)], queue.Dropped);
    }

    [Fact]
    public async Task Read_that_is_cut_short_keeps_nothing_from_other_workers()
    {
        var queue = new TestQueue(servers, o => o.VisibilityTime = TimeSpan.FromMilliseconds(10));
        var request = await queue.EnqueueAsync();
        await queue.Redis.StreamAddAsync($"inference:{{{queue.Name}}}:queue:normal", "request", "rubbish");
        var worker = queue.Worker("cut-short");
        worker.Dropped = (_, _) => throw new InvalidOperationException("for the test");

        await Assert.ThrowsAsync<InvalidOperationException>(() => worker.ReadAsync(10));

        Assert.Empty(worker.InFlight);
        var other = queue.Worker("other");
        await Wait.UntilAsync(async () => (await other.ReadAsync(10)).Any(r => r.Request.Id == request.Id));
    }

    /// <summary>Puts an entry into the state that it would be in after some time and some deliveries.</summary>
    internal static Task<RedisResult> AgeAsync(TestQueue queue, QueuedRequest request, int deliveries, int idle) =>
        queue.Redis.ExecuteAsync(
        "XCLAIM", (RedisKey)$"inference:{{{queue.Name}}}:queue:{(request.Request.Priority == Priority.Low ? "low" : "normal")}", "workers",
        "dead", 0, request.EntryId, "IDLE", idle, "RETRYCOUNT", deliveries, "JUSTID");
}
