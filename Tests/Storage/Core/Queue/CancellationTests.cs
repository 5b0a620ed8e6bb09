using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class CancellationTests(Servers servers)
{
    [Fact]
    public async Task Cancelled_request_never_reaches_a_worker()
    {
        var queue = new TestQueue(servers);
        var left = await queue.EnqueueAsync();
        var stays = await queue.EnqueueAsync();

        await queue.Requests.CancelAsync(queue.Name, left.Id, left.Deadline);
        var read = Assert.Single(await queue.Worker("w").ReadAsync(10));

        Assert.Equal(stays.Id, read.Request.Id);
        Assert.Equal([("cancelled", 1)], queue.Dropped);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Worker_that_has_a_request_hears_that_its_caller_left()
    {
        var queue = new TestQueue(servers);
        await queue.Cancellations.StartAsync(TestContext.Current.CancellationToken);
        var left = await queue.EnqueueAsync();
        var held = Assert.Single(await queue.Worker("w").ReadAsync(1));
        var heard = new TaskCompletionSource();
        using var watch = QueueConsumer.OnAbandoned([held], heard.SetResult);

        await queue.Requests.CancelAsync(queue.Name, left.Id, left.Deadline);
        await heard.Task.WaitAsync(TestContext.Current.CancellationToken);

        Assert.True(held.IsCancelled);
    }

    [Fact]
    public async Task Listener_that_stops_takes_the_word_from_no_other_on_its_connection()
    {
        var queue = new TestQueue(servers);
        await queue.Cancellations.StartAsync(TestContext.Current.CancellationToken);
        var other = new QueueCancellations(servers.Redis);
        await other.StartAsync(TestContext.Current.CancellationToken);
        await other.StopAsync(TestContext.Current.CancellationToken);
        await queue.EnqueueAsync();
        var held = Assert.Single(await queue.Worker("w").ReadAsync(1));

        await CancelAsync(queue, held);

        await Wait.UntilAsync(() => held.IsCancelled);
    }

    [Fact]
    public async Task Run_is_abandoned_only_when_all_its_callers_have_left()
    {
        var queue = new TestQueue(servers);
        await queue.Cancellations.StartAsync(TestContext.Current.CancellationToken);
        await queue.EnqueueManyAsync(Priority.Normal, 2);
        var run = await queue.Worker("w").ReadAsync(2);
        var heard = new TaskCompletionSource();
        using var watch = QueueConsumer.OnAbandoned(run, heard.SetResult);

        await CancelAsync(queue, run[0]);
        await Wait.UntilAsync(() => run[0].IsCancelled);

        Assert.False(heard.Task.IsCompleted);
        await CancelAsync(queue, run[1]);
        await heard.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Run_that_is_over_is_not_terminated()
    {
        var queue = new TestQueue(servers);
        await queue.Cancellations.StartAsync(TestContext.Current.CancellationToken);
        await queue.EnqueueAsync();
        var run = await queue.Worker("w").ReadAsync(1);
        var terminated = false;
        QueueConsumer.OnAbandoned(run, () => terminated = true).Dispose();

        await CancelAsync(queue, run[0]);
        await Wait.UntilAsync(() => run[0].IsCancelled);

        Assert.False(terminated);
    }

    [Fact]
    public async Task Word_that_overtakes_the_read_still_counts()
    {
        var queue = new TestQueue(servers);
        await queue.Cancellations.StartAsync(TestContext.Current.CancellationToken);
        var left = await queue.EnqueueAsync();
        var sentinel = await queue.EnqueueAsync(Priority.Low);
        var heard = Assert.Single(await queue.Worker("first").ReadAsync(2), r => r.Request.Id == sentinel.Id);

        // The mark is gone as if it had been set after the read; only the word was heard, before the request came into hand.
        await queue.Requests.CancelAsync(queue.Name, left.Id, left.Deadline);
        await queue.Requests.CancelAsync(queue.Name, sentinel.Id, sentinel.Deadline);
        await Wait.UntilAsync(() => heard.IsCancelled);

        await queue.Redis.KeyDeleteAsync($"inference:{{{queue.Name}}}:cancelled");
        await queue.EnqueueAgainAsync(left);
        var late = Assert.Single(await queue.Worker("second").ReadAsync(1));

        Assert.True(late.IsCancelled);
    }

    [Fact]
    public async Task Mark_goes_when_its_request_would_have_ended()
    {
        var queue = new TestQueue(servers);
        await queue.Requests.CancelAsync(queue.Name, Guid.NewGuid(), queue.Time.GetUtcNow().AddMilliseconds(200));

        await Wait.UntilAsync(async () => !(await queue.Redis.KeyExistsAsync($"inference:{{{queue.Name}}}:cancelled")));

        Assert.False(await queue.Redis.KeyExistsAsync($"inference:{{{queue.Name}}}:cancelled"));
    }

    private static Task CancelAsync(TestQueue queue, QueuedRequest request) =>
        queue.Requests.CancelAsync(queue.Name, request.Request.Id, request.Request.Deadline);
}
