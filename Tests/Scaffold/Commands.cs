using System.Diagnostics;
using System.Text;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Runs a program to its end.</summary>
internal static class Commands
{
    public static async Task<(int ExitCode, string Output)> TryRunAsync(
        string program, IEnumerable<string> arguments, string directory, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        // What the test host was given is not for a build of another tree.
        foreach (var name in start.Environment.Keys.Where(key => key.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        // No build server stays behind for a folder that goes.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = new StringBuilder();
        try
        {
            await Task.WhenAll(
                CopyAsync(process.StandardOutput, output, cancellation), CopyAsync(process.StandardError, output, cancellation));
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, output.ToString());
    }

    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, string directory, CancellationToken cancellation)
    {
        var given = arguments.ToList();
        var (exitCode, output) = await TryRunAsync(program, given, directory, cancellation);
        return exitCode == 0 ? output
            : throw new InvalidOperationException($"'{program} {string.Join(' ', given)}' in {directory} ended with {exitCode}:\n{output}");
    }

    private static async Task CopyAsync(StreamReader from, StringBuilder to, CancellationToken cancellation)
    {
        while (await from.ReadLineAsync(cancellation) is { } line)
        {
            lock (to)
            {
                to.AppendLine(line);
            }
        }
    }
}
