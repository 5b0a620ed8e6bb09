using System.Diagnostics.CodeAnalysis;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Queue.Scripts;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Statistics;

/// <summary>
/// What the statistics endpoints tell, summed over all Api replicas and workers: counted in memory, added to one hash of Redis for
/// each version every second. A batch of counts that could not be added is sent again until it was, and added once
/// (docs/adr/0012-telemetry.md).
/// </summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "The last flush may outlast the host that stopped waiting for it, and would release what is gone.")]
public sealed class ModelStatistics(IConnectionMultiplexer redis, TimeProvider time)
{
    /// <summary>Counts of a version that has not been used for so long are forgotten.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(90);

    // Longer than any batch of counts is sent again before its process ends or is ended.
    private static readonly TimeSpan MarkLifetime = TimeSpan.FromHours(24);

    private static readonly RedisScript s_add = new(typeof(ModelStatistics), "add");

    private readonly string _process = Guid.NewGuid().ToString("N");
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _oneFlush = new(1);
    private readonly Dictionary<QueueName, Batch> _unsent = [];
    private Dictionary<QueueName, VersionStatistics> _gathered = [];
    private long _number;

    /// <summary>Counts how a request that fitted its model ended.</summary>
    /// <param name="queue">How long it waited; null where it did not run.</param>
    /// <param name="compute">How long its run took.</param>
    /// <param name="cacheHit">Null where its model's answers are not cached.</param>
    public void Ended(string model, string version, bool succeeded, TimeSpan total, TimeSpan? queue = null, TimeSpan compute = default,
        bool? cacheHit = null)
    {
        lock (_lock)
        {
            var counts = CountsOf(model, version);
            counts.Add(succeeded ? RequestTime.Success : RequestTime.Fail, total);
            if (queue is { } waited)
            {
                counts.Add(RequestTime.Queue, waited);
            }

            if (cacheHit == true && succeeded)
            {
                counts.Add(RequestTime.CacheHit, total);
            }
            else if (cacheHit == false)
            {
                var rest = total - (queue ?? default) - compute;
                counts.Add(RequestTime.CacheMiss, rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
            }
        }
    }

    /// <summary>Counts a run: once for each request that shared it, and once by its size.</summary>
    public void Ran(RunTimes run)
    {
        lock (_lock)
        {
            var counts = CountsOf(run.Model, run.Version);
            counts.Inferences += run.Rows;
            counts.Executions++;
            counts.Add(RequestTime.ComputeInput, run.Input, run.Requests);
            counts.Add(RequestTime.ComputeInfer, run.Infer, run.Requests);
            counts.Add(RequestTime.ComputeOutput, run.Output, run.Requests);
            var batch = counts.Batch(run.Rows);
            batch.Count++;
            batch.InputNanoseconds += run.Input.Ticks * TimeSpan.NanosecondsPerTick;
            batch.InferNanoseconds += run.Infer.Ticks * TimeSpan.NanosecondsPerTick;
            batch.OutputNanoseconds += run.Output.Ticks * TimeSpan.NanosecondsPerTick;
        }
    }

    /// <summary>Adds what was counted to Redis; what could not be added stays for the next time.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task FlushAsync()
    {
        await _oneFlush.WaitAsync();
        try
        {
            // What was sent before and perhaps arrived goes first and unchanged, so that its number tells whether it did.
            await SendAsync();
            foreach (var (name, counts) in Take())
            {
                _unsent[name] = new Batch(++_number, counts);
            }

            await SendAsync();
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
        finally
        {
            _oneFlush.Release();
        }
    }

    /// <summary>What all processes have counted of a version; zeros where nothing was.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<VersionStatistics> ReadAsync(string model, string version)
    {
        try
        {
            var statistics = new VersionStatistics();
            foreach (var field in await redis.GetDatabase().HashGetAllAsync(Key(new QueueName(model, version))))
            {
                StatisticsFields.Add(statistics, field.Name!, (long)field.Value);
            }

            return statistics;
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }

    // Under the lock.
    private VersionStatistics CountsOf(string model, string version)
    {
        var name = new QueueName(model, version);
        if (!_gathered.TryGetValue(name, out var counts))
        {
            _gathered[name] = counts = new VersionStatistics();
        }

        counts.LastInference = time.GetUtcNow().ToUnixTimeMilliseconds();
        return counts;
    }

    private Dictionary<QueueName, VersionStatistics> Take()
    {
        lock (_lock)
        {
            var taken = _gathered;
            _gathered = [];
            return taken;
        }
    }

    private async Task SendAsync()
    {
        foreach (var (name, batch) in _unsent.ToList())
        {
            RedisValue[] values =
            [
                batch.Number, (long)MarkLifetime.TotalMilliseconds, (long)Lifetime.TotalMilliseconds, batch.Counts.LastInference,
                .. StatisticsFields.Of(batch.Counts).Where(f => f.Value != 0).SelectMany(f => (RedisValue[])[f.Name, f.Value]),
            ];
            await s_add.EvaluateAsync(redis.GetDatabase(), [Key(name), $"{Key(name)}:{_process}"], values);
            _unsent.Remove(name);
        }
    }

    // In the slot of the version's queue, as all that is of one version.
    private static string Key(QueueName name) => $"inference:{{{name.Model}/{name.Version}}}:statistics";

    private sealed record Batch(long Number, VersionStatistics Counts);
}
