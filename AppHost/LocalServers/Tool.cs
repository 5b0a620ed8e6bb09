using System.ComponentModel;
using System.Diagnostics;

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>Programs of this machine that the servers need.</summary>
internal static class Tool
{
    /// <summary>The path of a program on <c>PATH</c>, or null.</summary>
    public static string? Find(string name) => Folders().Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>The folders of <c>PATH</c>.</summary>
    public static IEnumerable<string> Folders() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    public static DistributedApplicationException Missing(string what, string debian, string fedora, string brew) => new(
        $"""
        No container runtime answers ('docker info', 'podman info'), and {what} is not installed to do without. Start Docker or Podman, or install it:
          Debian, Ubuntu  sudo apt-get install --no-install-recommends {debian}
          Fedora          sudo dnf install {fedora}
          macOS           brew install {brew}
        """);

    /// <param name="command">The program and its arguments.</param>
    /// <param name="input">What it reads from its standard input.</param>
    /// <returns>What it wrote.</returns>
    /// <exception cref="DistributedApplicationException">It failed; the message has what it wrote.</exception>
    public static async Task<string> RunAsync(IReadOnlyList<string> command, string input, CancellationToken cancellationToken)
    {
        using var process = Start(command);
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read all: its exit code tells why.
        }

        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode == 0
            ? await output
            : throw new DistributedApplicationException(
                $"'{string.Join(' ', command)}' ended with {process.ExitCode}: {await output}{await error}");
    }

    private static Process Start(IReadOnlyList<string> command)
    {
        try
        {
            // Not in the current folder: another user may not enter it.
            return Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = "/",
            })!;
        }
        catch (Win32Exception exception)
        {
            throw new DistributedApplicationException($"'{command[0]}' cannot be started: {exception.Message}", exception);
        }
    }
}
