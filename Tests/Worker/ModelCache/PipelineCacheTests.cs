using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Time.Testing;
using Polly.CircuitBreaker;

namespace InferenceTemplate.Tests.Worker.ModelCache;

/// <summary>A pipeline in the cache: its steps are models there like any others, which it holds.</summary>
public sealed class PipelineCacheTests
{
    [Fact]
    public async Task Steps_are_opened_once_and_count_once_whoever_uses_them()
    {
        await using var bench = Bench(room: 2);
        bench.WritePipeline("p", "a", "b");
        using var own = await bench.AcquireAsync("a");

        using var pipeline = await bench.AcquireAsync("p");
        using var other = await bench.AcquireAsync("b");

        Assert.Equal(["a", "b", "p"], bench.Open());
        Assert.Equal(2 * CacheBench.ModelBytes, bench.Cache.Bytes);
        Assert.Equal((1, 1), (bench.Tries["a"], bench.Tries["b"]));
        Assert.Equal(3, CacheBench.Ask(pipeline, "in"));
    }

    [Fact]
    public async Task Step_of_an_open_pipeline_is_not_evicted_before_it()
    {
        await using var bench = Bench(room: 2);
        bench.WritePipeline("p", "a", "b");
        using (await bench.AcquireAsync("p"))
        {
            // Open for somebody else, and used by nobody but the pipeline since.
            await bench.TouchAsync("a");
            var refused = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("c"));
            Assert.Contains("stayed in use", refused.Message, StringComparison.Ordinal);
            Assert.Equal(["a", "b", "p"], bench.Open());
        }

        // Nobody runs the pipeline now.
        await bench.TouchAsync("c");

        Assert.DoesNotContain("p", bench.Open());
        Assert.Contains("c", bench.Open());
        Assert.InRange(bench.Cache.Bytes, CacheBench.ModelBytes, 2 * CacheBench.ModelBytes);
        using var again = await bench.AcquireAsync("p");
        Assert.Equal(3, CacheBench.Ask(again, "in"));
    }

    [Fact]
    public async Task Step_that_was_withdrawn_serves_the_pipeline_until_that_is_closed()
    {
        await using var bench = Bench(room: 2);
        bench.WritePipeline("p", "a", "b");
        using (var pipeline = await bench.AcquireAsync("p"))
        {
            bench.Cache.Unload(CacheBench.Key("a"));

            Assert.Equal(3, CacheBench.Ask(pipeline, "in"));
        }

        bench.Cache.Unload(CacheBench.Key("p"));
        await Wait.UntilAsync(() => bench.Cache.Bytes == CacheBench.ModelBytes);
        Assert.Equal(["b"], bench.Open());
    }

    [Fact]
    public async Task Pipeline_whose_step_can_not_be_loaded_says_which_and_holds_no_other()
    {
        await using var bench = Bench(room: 3);
        bench.WriteBroken("broken");
        bench.WritePipeline("p", "a", "broken");

        var failed = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("p"));

        Assert.StartsWith(
            "p/1 could not be loaded: step 'broken': broken/1 could not be loaded: ", failed.Message, StringComparison.Ordinal);
        Assert.Contains(bench.Cache.Failures, f => f.Key == CacheBench.Key("p"));
        Assert.Equal(0, Assert.Single(bench.Cache.Snapshot()).Leases);
    }

    [Fact]
    public async Task Pipeline_whose_steps_find_no_memory_may_be_tried_again()
    {
        await using var bench = Bench(room: 2);
        bench.WritePipeline("p", "a", "b");
        using var other = await bench.AcquireAsync("c");

        var failed = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("p"));

        Assert.StartsWith("step 'b': b/1 is likely to take", failed.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Cache.Failures);
        Assert.Equal(["a=0", "c=1"], bench.Cache.Snapshot().Select(m => $"{m.Key.Model}={m.Leases}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Pipeline_whose_steps_never_fit_together_is_refused_before_anything_is_evicted()
    {
        await using var bench = Bench(room: 1);
        bench.WritePipeline("p", "a", "b");
        bench.WritePipeline("twice", "a", "a");
        await bench.TouchAsync("c");

        var refused = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("p"));

        Assert.Equal(
            $"the steps of p/1 are likely to take {2 * CacheBench.ModelBytes} bytes together, more than Worker:ModelMemory allows all "
            + $"models ({CacheBench.ModelBytes})",
            refused.Message);
        Assert.Equal(new ModelCacheOptions().MaxLoadBreak, refused.RetryAfter);
        Assert.Equal((["c"], 0), (bench.Open(), bench.Cache.Evictions), (x, y) => x.Item1.SequenceEqual(y.Item1) && x.Item2 == y.Item2);

        // A step that is there twice counts once.
        using var twice = await bench.AcquireAsync("twice");
        Assert.Equal(2, CacheBench.Ask(twice, "in"));
    }

    [Fact]
    public async Task Pipelines_that_fit_only_one_at_a_time_do_not_wait_for_each_other()
    {
        await using var bench = new CacheBench(room: 2);
        foreach (var name in (string[])["a", "b", "c", "d"])
        {
            bench.Write(name, 1);
        }

        bench.WritePipeline("p", "a", "b");
        bench.WritePipeline("q", "c", "d");

        // The first steps of both would fill the memory, were they taken at the same time: both begin before either has one.
        var begun = 0;
        var gate = new TaskCompletionSource();
        bench.BeforeOpen = async key =>
        {
            if (key.Model is "p" or "q")
            {
                if (Interlocked.Increment(ref begun) == 2)
                {
                    gate.SetResult();
                }

                await gate.Task;
            }
        };
        await Task.WhenAll(bench.TouchAsync("p"), bench.TouchAsync("q"));

        Assert.Equal((1, 1, 1, 1), (bench.Tries["a"], bench.Tries["b"], bench.Tries["c"], bench.Tries["d"]));
    }

    [Fact]
    public async Task Pipeline_of_open_steps_does_not_queue_for_memory()
    {
        await using var bench = new CacheBench(room: 1);
        bench.Write("a", 1);
        bench.Write("c", 3);
        bench.WritePipeline("p", "a");
        Task<ModelLease> waits;
        using (await bench.AcquireAsync("a"))
        {
            waits = bench.AcquireAsync("c");
            await Wait.UntilAsync(() => bench.Cache.MemoryWaitSince is not null);
            using var pipeline = await bench.AcquireAsync("p");

            Assert.False(waits.IsCompleted);
            Assert.Equal(1, CacheBench.Ask(pipeline, "in"));
        }

        using var other = await waits;
    }

    [Fact]
    public async Task Pipeline_whose_step_is_not_tried_again_yet_is_not_either()
    {
        var time = new FakeTimeProvider();
        await using var bench = new CacheBench(
            room: 2, o => (o.LoadFailures, o.LoadBreak, o.MaxLoadBreak) = (2, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(12)), time);
        bench.WriteBroken("broken");
        bench.WritePipeline("p", "broken");
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("broken"));
        }

        var refused = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("p"));

        Assert.StartsWith(
            "step 'broken': broken/1 could not be loaded and is not tried again yet: ", refused.Message, StringComparison.Ordinal);
        var failure = Assert.Single(bench.Cache.Failures, f => f.Key == CacheBench.Key("p"));
        Assert.Equal((time.GetUtcNow() + TimeSpan.FromSeconds(5), CircuitState.Open), (failure.RetryAt, failure.Circuit));

        // The step is tried again, and so is the pipeline.
        bench.Write("broken", 1);
        time.Advance(TimeSpan.FromSeconds(5.1));
        await bench.TouchAsync("p");
        Assert.Empty(bench.Cache.Failures);
    }

    private static CacheBench Bench(int room)
    {
        var bench = new CacheBench(room, o => o.ModelMemoryWait = TimeSpan.FromSeconds(1));
        foreach (var (name, constant) in (ReadOnlySpan<(string, float)>)[("a", 1), ("b", 2), ("c", 3)])
        {
            bench.Write(name, constant);
        }

        return bench;
    }
}
