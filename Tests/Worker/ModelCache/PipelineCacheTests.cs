using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.ModelCache;

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
        await using var bench = Bench(room: 1);
        bench.WritePipeline("p", "a", "b");

        var failed = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("p"));

        Assert.StartsWith("step 'b': b/1 is likely to take", failed.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Cache.Failures);
        Assert.Equal(0, Assert.Single(bench.Cache.Snapshot()).Leases);
    }

    private static CacheBench Bench(int room)
    {
        var bench = new CacheBench(room, o => o.ModelMemoryWait = TimeSpan.FromMilliseconds(50));
        foreach (var (name, constant) in (ReadOnlySpan<(string, float)>)[("a", 1), ("b", 2), ("c", 3)])
        {
            bench.Write(name, constant);
        }

        return bench;
    }
}
