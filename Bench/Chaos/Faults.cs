using System.Diagnostics;
using InferenceTemplate.Bench.Servers;
using StackExchange.Redis;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>Kills, pauses and empties the parts of a product at random, and brings back what it killed.</summary>
internal sealed class Faults(Product product) : IAsyncDisposable
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Down = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Stays = TimeSpan.FromSeconds(1);

    private readonly Random _random = new(7);
    private readonly Dictionary<string, ProcessStartInfo> _starts = new(StringComparer.Ordinal);
    private readonly List<Process> _restarted = [];

    /// <returns>How often each fault was made.</returns>
    public async Task<IReadOnlyDictionary<string, int>> RunAsync(CancellationToken over)
    {
        var done = new Dictionary<string, int>(StringComparer.Ordinal);
        (string Name, Func<Task> Make)[] faults =
        [
            ("kill-worker", () => KillAsync("worker")),
            ("kill-api", () => KillAsync("api")),
            ("kill-redis", () => KillAsync("redis")),
            ("kill-postgres", () => KillAsync("postgres")),
            ("pause-worker", () => PauseAsync("worker")),
            ("pause-api", () => PauseAsync("api")),
            ("pause-redis", () => PauseAsync("redis")),
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
            await make();
            done[name] = done.GetValueOrDefault(name) + 1;
            await Task.WhenAny(Task.Delay(Between, over));
        }

        return done;
    }

    public ValueTask DisposeAsync()
    {
        foreach (var process in _restarted.Where(p => !p.HasExited))
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private async Task KillAsync(string name)
    {
        foreach (var process in await FindAsync(name))
        {
            if (!_starts.TryGetValue(name, out var start))
            {
                _starts[name] = start = LinuxProcess.HowItWasStarted(process.Id);
            }

            process.Kill();
            await process.WaitForExitAsync();
            await Task.Delay(Down);
            await StartAsync(name, start);
        }
    }

    // A server may refuse for a moment: Postgres does until the last process of the killed one has noticed.
    private async Task StartAsync(string name, ProcessStartInfo start)
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var process = Process.Start(start)!;
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(Stays));
            if (!process.HasExited)
            {
                _restarted.Add(process);
                return;
            }

            process.Dispose();
        }

        throw new InvalidOperationException($"{name} was killed and did not start again.");
    }

    private async Task PauseAsync(string name)
    {
        var processes = await FindAsync(name);
        processes.ForEach(p => LinuxProcess.Signal(p.Id, "STOP"));
        await Task.Delay(Pause);
        processes.ForEach(p => LinuxProcess.Signal(p.Id, "CONT"));
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

    private async Task<List<Process>> FindAsync(string name) =>
        [.. (await ProductProcesses.FindAsync(product)).Where(p => p.Name == name).Select(p => p.Process)];
}
