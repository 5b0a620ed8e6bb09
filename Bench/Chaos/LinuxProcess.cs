using System.Diagnostics;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>What Linux tells of a process, and what can be done to it.</summary>
internal static class LinuxProcess
{
    private static readonly string Postgres = "postgres";

    /// <summary>The same command, in the same folder, with the same environment, as the same user.</summary>
    public static ProcessStartInfo HowItWasStarted(int process)
    {
        var command = File.ReadAllText($"/proc/{process}/cmdline").TrimEnd('\0').Split('\0');
        var start = new ProcessStartInfo
        {
            FileName = File.ResolveLinkTarget($"/proc/{process}/exe", returnFinalTarget: true)!.FullName,
            WorkingDirectory = File.ResolveLinkTarget($"/proc/{process}/cwd", returnFinalTarget: true)!.FullName,
            UseShellExecute = false,
            RedirectStandardOutput = false,
        };
        var arguments = command.Skip(1);
        if (Path.GetFileName(start.FileName) == Postgres && Environment.UserName == "root")
        {
            // It refuses to run as root.
            arguments = ["-u", Postgres, "--", start.FileName, .. arguments];
            start.FileName = "runuser";
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        foreach (var variable in File.ReadAllText($"/proc/{process}/environ").Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            var split = variable.IndexOf('=', StringComparison.Ordinal);
            start.Environment[variable[..split]] = variable[(split + 1)..];
        }

        return start;
    }

    public static void Signal(int process, string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, $"{process}"]);
        kill.WaitForExit();
    }
}
