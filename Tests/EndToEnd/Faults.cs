using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>What may happen to the servers and processes of a platform.</summary>
internal static class Faults
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // A backend that dies takes all of Postgres through crash recovery.
    public static async Task CrashPostgresAsync(Platform platform)
    {
        await using var database = await platform.DatabaseAsync();
        await using var crash = database.CreateCommand("COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'");
        Assert.NotNull(await Record.ExceptionAsync(() => crash.ExecuteNonQueryAsync(Cancellation)));
    }

    public static async Task FlushRedisAsync(Platform platform)
    {
        await using var redis = await AdministerRedisAsync(platform);
        await redis.GetDatabase().ExecuteAsync("FLUSHALL");
    }

    /// <summary>Ends Redis for good.</summary>
    public static async Task EndRedisAsync(Platform platform)
    {
        await using var redis = await AdministerRedisAsync(platform);
        await Assert.ThrowsAnyAsync<RedisException>(() => redis.GetDatabase().ExecuteAsync("SHUTDOWN", "NOSAVE"));
    }

    /// <summary>A connection that may do to Redis whatever there is.</summary>
    public static async Task<ConnectionMultiplexer> AdministerRedisAsync(Platform platform)
    {
        var options = ConfigurationOptions.Parse((await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        options.AllowAdmin = true;
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>Kills one process of a service, as the kernel does where memory is short.</summary>
    public static async Task KillAsync(Platform platform, string service)
    {
        var database = (await platform.App.GetConnectionStringAsync("inference", Cancellation))!;
        var id = Processes(service, database).FirstOrDefault();
        Assert.True(id > 0, $"No process of {service} runs for this platform.");
        using var found = Process.GetProcessById(id);
        found.Kill();
        await found.WaitForExitAsync(Cancellation);
    }

    /// <summary>
    /// Stops one process of a service in the middle of what it does, as a stuck machine does; it goes on when this is disposed.
    /// </summary>
    public static async Task<IDisposable> PauseAsync(Platform platform, string service)
    {
        var database = (await platform.App.GetConnectionStringAsync("inference", Cancellation))!;
        return new PausedProcess(Processes(service, database).First());
    }

    /// <summary>How nice each thread of a service is.</summary>
    public static async Task<List<string>> NicenessAsync(Platform platform, string service)
    {
        var database = (await platform.App.GetConnectionStringAsync("inference", Cancellation))!;
        return
        [
            .. from process in Processes(service, database)
               from task in Directory.EnumerateDirectories($"/proc/{process}/task")
               let stat = Read(process, $"task/{Path.GetFileName(task)}/stat")
               where stat.Length > 0

               // The 17th field behind the name, which is in parentheses.
               select stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16],
        ];
    }

    // The orchestrator's processes are not beneath this one; the platform's own database tells which are of it.
    private static IEnumerable<int> Processes(string service, string database) => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
        .Where(id => id > 0
            && Read(id, "cmdline").Split('\0')[0].EndsWith($".{service}", StringComparison.Ordinal)
            && Read(id, "environ").Contains(database, StringComparison.Ordinal));

    private static string Read(int process, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/{file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended meanwhile.
            return "";
        }
    }

    private sealed class PausedProcess : IDisposable
    {
        private readonly int _id;

        public PausedProcess(int id)
        {
            _id = id;
            Signal("-STOP");
        }

        public void Dispose() => Signal("-CONT");

        private void Signal(string signal)
        {
            using var kill = Process.Start("kill", [signal, _id.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }
    }
}
