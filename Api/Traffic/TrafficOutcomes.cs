using System.Globalization;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using StackExchange.Redis;

namespace InferenceTemplate.Api.Traffic;

/// <summary>
/// Counts what becomes of requests, by version, over all Api replicas: gathered in memory, added to Redis in batches,
/// in windows of ten seconds that expire. An emptied Redis means a sample that starts again, no more.
/// </summary>
public sealed class TrafficOutcomes(IConnectionMultiplexer redis, TimeProvider time)
{
    /// <summary>The farthest that <see cref="ReadAsync"/> can look back.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private const int WindowSeconds = 10;

    private static readonly TimeSpan Lifetime = Longest + TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Dictionary<Window, VersionOutcomes> _gathered = [];

    /// <param name="since">When the policy began under which the request was routed: each policy has counts of its own.</param>
    public void Record(string model, string version, DateTimeOffset? since, in RequestOutcome outcome)
    {
        var window = new Window(model, version, Policy(since), time.GetUtcNow().ToUnixTimeSeconds() / WindowSeconds);
        lock (_lock)
        {
            if (!_gathered.TryGetValue(window, out var outcomes))
            {
                _gathered[window] = outcomes = new VersionOutcomes();
            }

            outcomes.Add(outcome);
        }
    }

    /// <summary>Adds what was gathered to Redis. If that fails, it is lost: too small a sample is better than one counted twice.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task FlushAsync()
    {
        Dictionary<Window, VersionOutcomes> gathered;
        lock (_lock)
        {
            (gathered, _gathered) = (_gathered, []);
        }

        return OnRedisAsync(async database =>
        {
            var pipeline = new List<Task>();
            foreach (var (window, outcomes) in gathered)
            {
                pipeline.AddRange(Fields(outcomes).Where(f => f.Value != 0)
                    .Select(f => database.HashIncrementAsync(window.Key, f.Name, f.Value)));
                pipeline.Add(database.KeyExpireAsync(window.Key, Lifetime));
            }

            await Task.WhenAll(pipeline);
            return true;
        });
    }

    /// <summary>What all replicas have counted for a version under one policy, from <paramref name="window"/> ago until now.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task<VersionOutcomes> ReadAsync(string model, string version, DateTimeOffset? since, TimeSpan window) =>
        OnRedisAsync(async database =>
        {
            var last = time.GetUtcNow().ToUnixTimeSeconds() / WindowSeconds;
            var first = last - (long)Math.Ceiling(Math.Min(window.TotalSeconds, Longest.TotalSeconds) / WindowSeconds);
            var sum = new VersionOutcomes();
            var windows = new List<Task<HashEntry[]>>();
            for (var number = first; number <= last; number++)
            {
                windows.Add(database.HashGetAllAsync(new Window(model, version, Policy(since), number).Key));
            }

            foreach (var field in (await Task.WhenAll(windows)).SelectMany(f => f))
            {
                AddField(sum, field.Name!, (long)field.Value);
            }

            return sum;
        });

    private static long Policy(DateTimeOffset? since) => since?.ToUnixTimeMilliseconds() ?? 0;

    private static IEnumerable<(string Name, long Value)> Fields(VersionOutcomes outcomes)
    {
        yield return ("requests", outcomes.Requests);
        yield return ("errors", outcomes.Errors);
        yield return ("computed", outcomes.Computed);
        yield return ("compute_us", outcomes.ComputeMicroseconds);
        yield return ("total_us", outcomes.TotalMicroseconds);
        yield return ("cost", (long)(outcomes.Cost / VersionOutcomes.CostUnit));
        for (var i = 0; i < outcomes.Total.Counts.Length; i++)
        {
            yield return ($"c{i}", outcomes.Compute.Counts[i]);
            yield return ($"t{i}", outcomes.Total.Counts[i]);
        }
    }

    private static void AddField(VersionOutcomes sum, string name, long value)
    {
        switch (name)
        {
            case "requests":
                sum.Requests += value;
                break;
            case "errors":
                sum.Errors += value;
                break;
            case "computed":
                sum.Computed += value;
                break;
            case "compute_us":
                sum.ComputeMicroseconds += value;
                break;
            case "total_us":
                sum.TotalMicroseconds += value;
                break;
            case "cost":
                sum.Cost += value * VersionOutcomes.CostUnit;
                break;
            default:
                AddBucket(name[0] == 'c' ? sum.Compute : sum.Total, name.AsSpan(1), value);
                break;
        }
    }

    // A replica of another release may count in more buckets than this one knows.
    private static void AddBucket(LatencyBuckets buckets, ReadOnlySpan<char> index, long value)
    {
        if (int.TryParse(index, CultureInfo.InvariantCulture, out var i) && i < buckets.Counts.Length)
        {
            buckets.Counts[i] += value;
        }
    }

    private async Task<T> OnRedisAsync<T>(Func<IDatabase, Task<T>> action)
    {
        try
        {
            return await action(redis.GetDatabase());
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }

    private readonly record struct Window(string Model, string Version, long Policy, long Number)
    {
        public string Key => $"inference:{{{Model}/{Version}}}:outcomes:{Policy}:{Number}";
    }
}
