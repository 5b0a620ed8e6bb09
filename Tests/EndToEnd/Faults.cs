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
        var options = ConfigurationOptions.Parse((await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        options.AllowAdmin = true;
        using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        await redis.GetDatabase().ExecuteAsync("FLUSHALL");
    }

    public static void Kill(int process)
    {
        using var found = Process.GetProcessById(process);
        found.Kill();
        found.WaitForExit();
    }

    /// <summary>Processes of one service beneath this one.</summary>
    public static List<int> Processes(string service) => [.. Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
        .Where(id => id > 0 && IsBeneathThis(id) && Read(id, "cmdline").Split('\0') is ["dotnet" or [.., '/', 'd', 'o', 't', 'n', 'e', 't'], var file, ..]
            && file.EndsWith($".{service}.dll", StringComparison.Ordinal))];

    private static bool IsBeneathThis(int process)
    {
        while (process > 1 && process != Environment.ProcessId)
        {
            var parent = Read(process, "status").Split('\n').FirstOrDefault(line => line.StartsWith("PPid:", StringComparison.Ordinal));
            process = parent is null ? 0 : int.Parse(parent["PPid:".Length..], CultureInfo.InvariantCulture);
        }

        return process == Environment.ProcessId;
    }

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
}
