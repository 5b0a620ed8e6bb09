using System.Reflection;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Statistics;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

public sealed class ModelStatisticsTests(Servers servers)
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly string _model = $"counted-{Guid.NewGuid():N}";

    [Fact]
    public async Task Counts_of_all_processes_add_up()
    {
        foreach (var process in (ModelStatistics[])[New(), New(), New()])
        {
            process.Ran(new RunTimes(_model, "1", 2, 8, Millisecond, 5 * Millisecond, 2 * Millisecond));
            process.Ran(new RunTimes(_model, "1", 1, 3, Millisecond, Millisecond, Millisecond));
            process.Ended(_model, "1", succeeded: true, 10 * Millisecond, 4 * Millisecond, 6 * Millisecond);
            process.Ended(_model, "1", succeeded: false, 3 * Millisecond);
            process.Ended(_model, "2", succeeded: true, Millisecond);
            await process.FlushAsync();
        }

        var counts = await New().ReadAsync(_model, "1");

        Assert.Equal((33, 6), (counts.Inferences, counts.Executions));
        Assert.Equal(new CountedTime(3, 30_000_000), counts[RequestTime.Success]);
        Assert.Equal(new CountedTime(3, 9_000_000), counts[RequestTime.Fail]);
        Assert.Equal(new CountedTime(3, 12_000_000), counts[RequestTime.Queue]);

        // Each of the requests that shared a run counts its time.
        Assert.Equal(new CountedTime(9, 9_000_000), counts[RequestTime.ComputeInput]);
        Assert.Equal(new CountedTime(9, 33_000_000), counts[RequestTime.ComputeInfer]);
        Assert.Equal(new CountedTime(9, 15_000_000), counts[RequestTime.ComputeOutput]);
        Assert.Equal([3, 8], counts.Batches.Keys);
        Assert.Equal(
            (3, 3_000_000, 15_000_000, 6_000_000),
            (counts.Batches[8].Count, counts.Batches[8].InputNanoseconds, counts.Batches[8].InferNanoseconds,
                counts.Batches[8].OutputNanoseconds));
        Assert.InRange(counts.LastInference, 1, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds());
        Assert.Equal(new CountedTime(3, 3_000_000), (await New().ReadAsync(_model, "2"))[RequestTime.Success]);
    }

    [Fact]
    public async Task Cached_answers_and_those_looked_for_in_vain_are_told_apart()
    {
        var process = New();
        process.Ended(_model, "1", succeeded: true, 2 * Millisecond, cacheHit: true);
        process.Ended(_model, "1", succeeded: true, 9 * Millisecond, 3 * Millisecond, 4 * Millisecond, cacheHit: false);
        await process.FlushAsync();

        var counts = await process.ReadAsync(_model, "1");

        Assert.Equal(new CountedTime(1, 2_000_000), counts[RequestTime.CacheHit]);
        Assert.Equal(new CountedTime(1, 2_000_000), counts[RequestTime.CacheMiss]);
        Assert.Equal(new CountedTime(2, 11_000_000), counts[RequestTime.Success]);
        Assert.Equal(new CountedTime(1, 3_000_000), counts[RequestTime.Queue]);
    }

    [Fact]
    public async Task Counts_that_arrived_without_word_of_it_are_added_once()
    {
        var lossy = Lossy.Over(servers.Redis);
        var process = new ModelStatistics(lossy.Redis, TimeProvider.System);
        process.Ended(_model, "1", succeeded: true, Millisecond);
        lossy.LosesAnswers = true;
        await Assert.ThrowsAsync<QueueUnavailableException>(process.FlushAsync);

        process.Ended(_model, "1", succeeded: true, Millisecond);
        await Assert.ThrowsAsync<QueueUnavailableException>(process.FlushAsync);
        lossy.LosesAnswers = false;
        await process.FlushAsync();

        Assert.Equal(new CountedTime(2, 2_000_000), (await process.ReadAsync(_model, "1"))[RequestTime.Success]);
    }

    [Fact]
    public async Task Counts_that_Redis_refused_are_kept()
    {
        var process = New();
        process.Ended(_model, "1", succeeded: true, Millisecond);
        var key = $"inference:{{{_model}/1}}:statistics";
        await servers.Redis.GetDatabase().StringSetAsync(key, "not a hash");
        await Assert.ThrowsAsync<QueueUnavailableException>(process.FlushAsync);

        await servers.Redis.GetDatabase().KeyDeleteAsync(key);
        await process.FlushAsync();

        Assert.Equal(1, (await process.ReadAsync(_model, "1"))[RequestTime.Success].Count);
    }

    [Fact]
    public async Task Version_that_was_never_used_has_zeros()
    {
        var counts = await New().ReadAsync(_model, "1");

        Assert.Equal((0, 0, 0), (counts.LastInference, counts.Inferences, counts.Executions));
        Assert.Empty(counts.Batches);
    }

    private ModelStatistics New() => new(servers.Redis, TimeProvider.System);

    /// <summary>Redis, whose answers to scripts get lost on their way while it says so.</summary>
    public class Lossy : DispatchProxy
    {
        private object _real = null!;
        private Lossy? _of;

        public bool LosesAnswers { get; set; }

        public IConnectionMultiplexer Redis { get; private set; } = null!;

        public static Lossy Over(IConnectionMultiplexer redis)
        {
            var proxy = Create<IConnectionMultiplexer, Lossy>();
            var lossy = (Lossy)(object)proxy;
            (lossy._real, lossy._of, lossy.Redis) = (redis, lossy, proxy);
            return lossy;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var result = targetMethod!.Invoke(_real, args);
            if (result is IDatabase database)
            {
                var proxy = Create<IDatabase, Lossy>();
                (((Lossy)(object)proxy)._real, ((Lossy)(object)proxy)._of) = (database, _of);
                return proxy;
            }

            return result is Task<RedisResult> script ? LoseAsync(script) : result;
        }

        private async Task<RedisResult> LoseAsync(Task<RedisResult> script)
        {
            var answer = await script;
            return _of!.LosesAnswers ? throw new TimeoutException("The answer was lost.") : answer;
        }
    }
}
