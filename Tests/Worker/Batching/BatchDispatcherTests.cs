using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>Instances that take batches, each on a thread of its own.</summary>
public sealed class BatchDispatcherTests
{
    private readonly BatchDispatcher _dispatcher = Dispatcher(TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_does_not_wait_for_a_run_that_takes_longer_than_those_before()
    {
        var first = Task.Run(_dispatcher.Take, Cancellation);
        var second = Task.Run(_dispatcher.Take, Cancellation);
        Assert.True(_dispatcher.Offer([Requests.Pending("a", [1, 2])]));
        var running = await Task.WhenAny(first, second).WaitAsync(Wait.DefaultLimit, Cancellation);

        // Whoever has that one is not back.
        Assert.True(_dispatcher.Offer([Requests.Pending("b", [1, 2])]));

        var other = running == first ? second : first;
        Assert.Equal("b", Assert.Single((await other.WaitAsync(Wait.DefaultLimit, Cancellation))!).Queued.EntryId);
    }

    [Fact]
    public async Task No_request_is_left_behind_however_they_come()
    {
        const int Count = 2000;
        var taken = 0;
        var instances = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (_dispatcher.Take() is { } batch)
            {
                Interlocked.Add(ref taken, batch.Length);
            }
        }, Cancellation)).ToList();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < Count / 4; i++)
            {
                Assert.True(_dispatcher.Offer([Requests.Pending($"{sender}-{i}", [1, 2])]));
                if (i % 50 == 0)
                {
                    // Until then all is taken, and the instances sleep.
                    await Task.Delay(1, Cancellation);
                }
            }
        }, Cancellation)));

        await Wait.UntilAsync(() => Volatile.Read(ref taken) == Count);
        Assert.Empty(_dispatcher.Close());
        await Task.WhenAll(instances).WaitAsync(Wait.DefaultLimit, Cancellation);
    }

    [Fact]
    public async Task Request_that_waits_for_company_runs_when_its_time_is_over_though_the_other_instance_is_not_back()
    {
        var dispatcher = Dispatcher(TimeSpan.FromMilliseconds(20));
        Task<PendingRequest[]?>[] instances =
            [Task.Run(dispatcher.Take, Cancellation), Task.Run(dispatcher.Take, Cancellation)];
        Assert.True(dispatcher.Offer([Requests.Pending("full", [4, 2], at: TimeProvider.System.GetUtcNow())]));
        var running = await Task.WhenAny(instances).WaitAsync(Wait.DefaultLimit, Cancellation);

        Assert.True(dispatcher.Offer([Requests.Pending("one", [1, 2], at: TimeProvider.System.GetUtcNow())]));

        var other = instances.Single(instance => instance != running);
        Assert.Equal("one", Assert.Single((await other.WaitAsync(Wait.DefaultLimit, Cancellation))!).Queued.EntryId);
    }

    // Runs have been so short that an idle instance is not woken while another is at one.
    private static BatchDispatcher Dispatcher(TimeSpan delay)
    {
        var tuner = new BatchTuner(4);
        for (var run = 0; run < 9; run++)
        {
            tuner.Record(1, TimeSpan.FromMicroseconds(20));
        }

        return new BatchDispatcher(
            new BatchRules(4, [], delay, RaggedShapes.Separate, Instances: 2, MaxBytes: 1 << 20), tuner, sharesRuns: true, TimeProvider.System);
    }
}
