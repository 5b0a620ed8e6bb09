using System.Runtime.CompilerServices;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.ModelCache;

namespace InferenceTemplate.Tests.Worker.ModelCache;

public sealed class SessionCacheTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cache_evicts_the_least_recently_used_when_memory_is_full()
    {
        await using var bench = Bench(room: 2, "a", "b", "c", "d");
        await bench.TouchAsync("a");
        await bench.TouchAsync("b");
        await bench.TouchAsync("a");

        await bench.TouchAsync("c");
        Assert.Equal(["a", "c"], bench.Open());

        await bench.TouchAsync("d");
        Assert.Equal(["c", "d"], bench.Open());
        Assert.Equal(2 * CacheBench.ModelBytes, bench.Cache.Bytes);
    }

    [Fact]
    public async Task Model_that_never_opens_is_refused_and_keeps_no_other_from_opening()
    {
        using var never = new ManualResetEventSlim();
        ModelCacheOptions options = null!;
        await using var bench = Bench(room: 2, o => (options, o.LoadTime) = (o, TimeSpan.FromMilliseconds(200)), "a", "b");
        bench.Opening = key =>
        {
            if (key.Model == "a")
            {
                never.Wait(Cancellation);
            }
        };

        var stuck = await Assert.ThrowsAsync<ModelUnavailableException>(
            () => bench.TouchAsync("a").WaitAsync(Wait.DefaultLimit, Cancellation));
        options.LoadTime = Wait.DefaultLimit;
        using var other = await bench.AcquireAsync("b");

        Assert.Contains("longer than Worker:LoadTime (0.2 s)", stuck.Message, StringComparison.Ordinal);
        Assert.Equal(["b"], bench.Open());
        Assert.Equal(CacheBench.ModelBytes, bench.Cache.Bytes);
        never.Set();
    }

    [Fact]
    public async Task Files_are_held_from_the_plan_until_the_model_is_open_or_was_refused()
    {
        using var opens = new ManualResetEventSlim();
        await using var bench = Bench(room: 2, "a", "b");
        bench.WriteBroken("broken");
        bench.Opening = _ => opens.Wait(Cancellation);

        var loads = new[] { bench.TouchAsync("a"), bench.TouchAsync("b") };
        await Wait.UntilAsync(() => bench.Held.Count == 2);
        Assert.All(loads, load => Assert.False(load.IsCompleted));
        opens.Set();
        await Task.WhenAll(loads);
        Assert.Empty(bench.Held);

        await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.TouchAsync("broken"));
        Assert.Empty(bench.Held);
    }

    [Fact]
    public async Task Cache_never_evicts_what_is_leased()
    {
        await using var bench = Bench(room: 2, "a", "b", "c");
        using var held = await bench.AcquireAsync("a");
        await bench.TouchAsync("b");

        await bench.TouchAsync("c");

        Assert.Equal(["a", "c"], bench.Open());
        Assert.Equal(1, CacheBench.Ask(held));
    }

    [Fact]
    public async Task Cache_evicts_pinned_models_last()
    {
        await using var bench = Bench(room: 2, "a", "b", "c");
        bench.Cache.Pin([CacheBench.Key("a")]);
        await bench.TouchAsync("a");
        await bench.TouchAsync("b");

        await bench.TouchAsync("c");

        Assert.Equal(["a", "c"], bench.Open());
    }

    [Fact]
    public async Task Switching_between_cached_models_loads_nothing()
    {
        await using var bench = Bench(room: 2, "a", "b");
        await bench.TouchAsync("a");
        await bench.TouchAsync("b");

        for (var i = 0; i < 100; i++)
        {
            using var lease = await bench.AcquireAsync(i % 2 == 0 ? "a" : "b");
            Assert.Equal(1 + (i % 2), CacheBench.Ask(lease));
        }

        Assert.Equal(2, bench.Cache.Loads);
    }

    [Fact]
    public async Task Model_is_opened_once_when_many_ask_at_once()
    {
        await using var bench = Bench(room: 2, "a");
        var gate = new TaskCompletionSource();
        bench.BeforeOpen = _ => gate.Task;

        var asking = Enumerable.Range(0, 50).Select(_ => bench.AcquireAsync("a")).ToList();
        gate.SetResult();
        var leases = await Task.WhenAll(asking);

        Assert.Equal(1, bench.Cache.Loads);
        Assert.Equal(50, Assert.Single(bench.Cache.Snapshot()).Leases);
        Assert.Single(leases.Select(l => l.Session).Distinct());
        Array.ForEach(leases, l => l.Dispose());
        Assert.Equal(0, Assert.Single(bench.Cache.Snapshot()).Leases);
    }

    [Fact]
    public async Task Load_goes_on_and_holds_no_lease_when_its_caller_leaves()
    {
        await using var bench = Bench(room: 2, "a");
        var gate = new TaskCompletionSource();
        bench.BeforeOpen = _ => gate.Task;
        using var caller = new CancellationTokenSource();
        var left = bench.Cache.AcquireAsync(CacheBench.Key("a"), caller.Token).AsTask();

        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        gate.SetResult();
        await bench.TouchAsync("a");

        Assert.Equal(1, bench.Cache.Loads);
        Assert.Equal(0, Assert.Single(bench.Cache.Snapshot()).Leases);
    }

    [Fact]
    public async Task Load_waits_for_memory_in_use_and_asks_for_it()
    {
        await using var bench = Bench(room: 1, "a", "b");
        var held = await bench.AcquireAsync("a");
        var asked = 0;
        bench.Cache.MemoryWanted = () =>
        {
            asked++;
            held.Dispose();
        };

        using var lease = await bench.AcquireAsync("b");

        Assert.Equal(2, CacheBench.Ask(lease));
        Assert.Equal(1, asked);
        Assert.Equal(["b"], bench.Open());
    }

    [Fact]
    public async Task Holder_that_gives_back_what_others_wait_for_gets_it_after_them()
    {
        await using var bench = Bench(room: 1, "a", "b");
        var held = await bench.AcquireAsync("a");
        var wanted = new TaskCompletionSource();
        bench.Cache.MemoryWanted = () => wanted.TrySetResult();
        var waiting = bench.AcquireAsync("b");
        await wanted.Task;

        held.Dispose();
        var again = bench.AcquireAsync("a");

        using (var served = await waiting)
        {
            Assert.Equal(2, CacheBench.Ask(served));
            Assert.False(again.IsCompleted);
        }

        using var lease = await again;
        Assert.Equal(1, CacheBench.Ask(lease));
    }

    [Fact]
    public async Task Load_that_finds_no_memory_in_time_says_who_has_it()
    {
        await using var bench = Bench(room: 1, o => o.ModelMemoryWait = TimeSpan.FromMilliseconds(50), "a", "b");
        using var held = await bench.AcquireAsync("a");

        var exception = await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("b"));

        Assert.Contains("b/1 is likely to take 1048576 bytes, but 1048576 of 1048576", exception.Message, StringComparison.Ordinal);
        Assert.Contains("a/1 (1048576 bytes, 1 leases)", exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, CacheBench.Ask(held));
        Assert.Equal(CacheBench.ModelBytes, bench.Cache.Bytes);
    }

    [Fact]
    public async Task Failed_load_hurts_no_loaded_model()
    {
        await using var bench = Bench(room: 2, "a");
        bench.WriteBroken("broken");
        using var held = await bench.AcquireAsync("a");

        await Assert.ThrowsAsync<ModelUnavailableException>(() => bench.AcquireAsync("broken"));

        Assert.Equal(1, CacheBench.Ask(held));
        Assert.Equal(["a"], bench.Open());
        Assert.Equal(CacheBench.ModelBytes, bench.Cache.Bytes);
    }

    [Fact]
    public async Task Unloaded_model_is_closed_after_its_last_lease_and_opened_anew_for_the_next()
    {
        await using var bench = Bench(room: 2, "a");
        var held = await bench.AcquireAsync("a");
        bench.Write("a", 7);

        bench.Cache.Unload(CacheBench.Key("a"));

        Assert.Equal(1, CacheBench.Ask(held));
        using (var anew = await bench.AcquireAsync("a"))
        {
            Assert.Equal(7, CacheBench.Ask(anew));
        }

        held.Dispose();
        await SettleAsync(() => bench.Cache.Bytes == CacheBench.ModelBytes);
        Assert.Throws<ObjectDisposedException>(() => CacheBench.Ask(held));
    }

    [Fact]
    public async Task Cache_keeps_its_promises_under_stress()
    {
        string[] names = [.. Enumerable.Range(0, 10).Select(i => $"m{i}")];
        await using var bench = Bench(room: 4, names);
        var most = 0L;

        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Task.Run(
            async () =>
            {
                var random = new Random(worker);
                for (var i = 0; i < 625; i++)
                {
                    // Most ask for three models, so that leases, hits and evictions mix.
                    var number = random.Next(20) == 0 ? random.Next(10) : random.Next(3);
                    using var lease = await bench.AcquireAsync(names[number]);
                    Assert.Equal(number + 1, CacheBench.Ask(lease));
                    InterlockedMax(ref most, bench.Cache.Bytes);
                }
            },
            Cancellation)));

        Assert.InRange(most, CacheBench.ModelBytes, 4 * CacheBench.ModelBytes);
        Assert.All(bench.Cache.Snapshot(), m => Assert.Equal(0, m.Leases));
        Assert.Equal(bench.Cache.Snapshot().Length, bench.Cache.Loads - bench.Cache.Evictions);
        Assert.True(bench.Cache.Evictions > 0);
    }

    private static CacheBench Bench(int room, params string[] models) => Bench(room, null, models);

    private static CacheBench Bench(int room, Action<ModelCacheOptions>? configure, params string[] models)
    {
        var bench = new CacheBench(room, configure);
        for (var i = 0; i < models.Length; i++)
        {
            bench.Write(models[i], i + 1);
        }

        return bench;
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private static Task SettleAsync(Func<bool> settled, [CallerArgumentExpression(nameof(settled))] string awaited = "") =>
        Wait.UntilAsync(settled, awaited: awaited);
}
