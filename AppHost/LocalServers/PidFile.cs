using System.Diagnostics;
using System.Globalization;

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>
/// What a server that was killed, or one that still ends, left behind. With the data folder's lock held, the latter is a server of an
/// AppHost that was killed: the orchestrator stops it within seconds.
/// </summary>
internal static class PidFile
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Waits until the process that a file names has ended, and removes the file: a number that another process has by now would stop the
    /// next start.
    /// </summary>
    /// <exception cref="DistributedApplicationException">It goes on.</exception>
    public static async Task ClearAsync(string path, string program, CancellationToken cancellationToken)
    {
        var deadline = Stopwatch.GetTimestamp() + (long)(StopLimit.TotalSeconds * Stopwatch.Frequency);
        if (!File.Exists(path))
        {
            return;
        }

        while (Read(path) is { } id && Runs(id, program))
        {
            if (Stopwatch.GetTimestamp() > deadline)
            {
                throw new DistributedApplicationException(
                    $"Process {id} ({program}) still uses '{Path.GetDirectoryName(path)}' after {StopLimit.TotalSeconds} s: stop it ('kill {id}') and start again.");
            }

            await Task.Delay(Interval, cancellationToken);
        }

        File.Delete(path);
    }

    private static int? Read(string path)
    {
        try
        {
            return int.TryParse(
                File.ReadLines(path).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static bool Runs(int id, string program)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return process.ProcessName == program;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}
