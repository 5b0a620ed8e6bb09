using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker;

/// <summary>
/// Makes the worker as nice as <see cref="WorkerOptions.Nice"/> says, before it serves anything. Elsewhere than on Linux every value above 0
/// is the same.
/// </summary>
internal sealed partial class ProcessNiceness(IOptions<WorkerOptions> options, ILogger<ProcessNiceness> logger) : IHostedService
{
    private const int OfThread = 0;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!TrySet(options.Value.Nice))
        {
            LogNotNice(options.Value.Nice);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool TrySet(int nice)
    {
        if (nice == 0)
        {
            return true;
        }

        if (OperatingSystem.IsLinux())
        {
            // There niceness is of threads, which inherit it: one that began another meanwhile is met by the second look.
            return SetThreads(nice) & SetThreads(nice);
        }

        try
        {
            using var process = Process.GetCurrentProcess();
            process.PriorityClass = ProcessPriorityClass.BelowNormal;
            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static bool SetThreads(int nice)
    {
        var all = true;
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            all &= SetPriority(OfThread, uint.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), nice) == 0
                || !Directory.Exists(thread);
        }

        return all;
    }

    [LoggerMessage(LogLevel.Warning, "The worker could not be given a niceness of {Nice} (Worker:Nice)")]
    private partial void LogNotNice(int nice);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int nice);
}
