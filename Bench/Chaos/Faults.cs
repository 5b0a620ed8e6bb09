using System.Diagnostics;
using InferenceTemplate.Bench.Servers;
using StackExchange.Redis;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>Kills, ends, pauses and empties the parts of a product at random, and brings back what it ended.</summary>
internal sealed class Faults(Product product, int seed)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    // The lease of a job (Jobs:Lease) and some seconds.
    private static readonly TimeSpan PauseBeyondTheLease = TimeSpan.FromSeconds(35);
    private static readonly TimeSpan BackWithin = TimeSpan.FromMinutes(2);

    private readonly Random _random = new(seed);

    /// <returns>How often each fault was made.</returns>
    public async Task<IReadOnlyDictionary<string, int>> RunAsync(CancellationToken over)
    {
        var done = new Dictionary<string, int>(StringComparer.Ordinal);
        (string Name, Func<Task> Make)[] faults =
        [
            ("kill-worker", () => EndAsync("worker", "KILL")),
            ("kill-api", () => EndAsync("api", "KILL")),
            ("kill-redis", () => EndAsync("redis", "KILL")),
            ("kill-postgres", () => EndAsync("postgres", "KILL")),
            ("kill-api-and-worker", () => Task.WhenAll(EndAsync("api", "KILL"), EndAsync("worker", "KILL"))),
            ("kill-redis-and-postgres", () => Task.WhenAll(EndAsync("redis", "KILL"), EndAsync("postgres", "KILL"))),
            ("terminate-worker", () => EndAsync("worker", "TERM")),
            ("terminate-api", () => EndAsync("api", "TERM")),
            ("pause-worker", () => PauseAsync("worker", Pause)),
            ("pause-worker-beyond-the-lease", () => PauseAsync("worker", PauseBeyondTheLease)),
            ("pause-api", () => PauseAsync("api", Pause)),
            ("pause-redis", () => PauseAsync("redis", Pause)),
            ("empty-redis", EmptyRedisAsync),
        ];
        for (var next = 0; !over.IsCancellationRequested; next++)
        {
            // Each comes once before any comes again.
            if (next % faults.Length == 0)
            {
                _random.Shuffle(faults);
            }

            var (name, make) = faults[next % faults.Length];
            Console.WriteLine(FormattableString.Invariant($"  {DateTime.UtcNow:HH:mm:ss.f} {name}"));
            await make();
            done[name] = done.GetValueOrDefault(name) + 1;
            await Task.WhenAny(Task.Delay(Between, over));
        }

        return done;
    }

    private async Task EndAsync(string name, string signal)
    {
        using var limit = new CancellationTokenSource(BackWithin);
        foreach (var process in await FindAsync(name))
        {
            await product.BreakAsync(
                name,
                () =>
                {
                    Signal(process.Id, signal);
                    return process.WaitForExitAsync(limit.Token);
                },
                limit.Token);
        }
    }

    private async Task PauseAsync(string name, TimeSpan pause)
    {
        var processes = await FindAsync(name);
        processes.ForEach(p => Signal(p.Id, "STOP"));
        await Task.Delay(pause);
        processes.ForEach(p => Signal(p.Id, "CONT"));
    }

    private async Task EmptyRedisAsync()
    {
        try
        {
            using var redis = await ConnectionMultiplexer.ConnectAsync(await product.ConnectionStringAsync("redis") + ",allowAdmin=true");
            await redis.GetServer(redis.GetEndPoints()[0]).FlushAllDatabasesAsync();
        }
        catch (RedisException)
        {
            // It is away at this moment: then there is nothing to empty.
        }
    }

    private static void Signal(int process, string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, $"{process}"]);
        kill.WaitForExit();
    }

    private async Task<List<Process>> FindAsync(string name) =>
        [.. (await ProductProcesses.FindAsync(product)).Where(p => p.Name == name).Select(p => p.Process)];
}
