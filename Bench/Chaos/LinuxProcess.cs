using System.Diagnostics;
using System.Globalization;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>What Linux tells of a process, and what can be done to it.</summary>
internal static class LinuxProcess
{
    // An AppHost that runs without containers starts everything so: supervise LOCK SIGNAL GRACE COMMAND...
    private const string Supervisor = "supervise";
    private const int OwnArguments = 3;

    /// <summary>
    /// The same command, in the same folder, with the same environment. The shell that started the process is asked: Redis writes its
    /// title over its own.
    /// </summary>
    public static ProcessStartInfo HowItWasStarted(int process)
    {
        var parent = Parent(process);
        var command = Strings(parent, "cmdline").SkipWhile(a => a != Supervisor).Skip(1 + OwnArguments).ToList();
        if (command.Count == 0)
        {
            throw new InvalidOperationException($"Process {process} was not started by an AppHost that runs without containers.");
        }

        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            WorkingDirectory = File.ResolveLinkTarget($"/proc/{parent}/cwd", returnFinalTarget: true)!.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var variable in Strings(parent, "environ"))
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

    private static string[] Strings(int process, string file) =>
        File.ReadAllText($"/proc/{process}/{file}").Split('\0', StringSplitOptions.RemoveEmptyEntries);

    private static int Parent(int process)
    {
        const string Field = "PPid:";
        var line = File.ReadLines($"/proc/{process}/status").Single(l => l.StartsWith(Field, StringComparison.Ordinal));
        return int.Parse(line.AsSpan(Field.Length), CultureInfo.InvariantCulture);
    }
}
