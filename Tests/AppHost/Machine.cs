using System.ComponentModel;
using System.Diagnostics;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>What a test needs of the machine that it runs on; a test that lacks it skips, and says what is missing.</summary>
internal static class Machine
{
    private static readonly Lazy<bool> s_runsContainers = new(() => Answers("docker") || Answers("podman"));

    /// <summary>Postgres and Redis as processes.</summary>
    public static void RequireProcesses() =>
        Assert.SkipWhen(
            OperatingSystem.IsWindows() || s_runsContainers.Value, "Docker or Podman runs here: the servers are containers then.");

    /// <inheritdoc cref="RequireProcesses"/>
    public static void RequireProcessesOfLinux()
    {
        RequireProcesses();
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs Linux's /proc to find processes.");
    }

    private static bool Answers(string client)
    {
        try
        {
            using var info = Process.Start(
                new ProcessStartInfo(
                    client, "info")
                { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            info.StandardOutput.ReadToEnd();
            return info.WaitForExit(TimeSpan.FromSeconds(10)) && info.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
