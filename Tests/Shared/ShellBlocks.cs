using System.Diagnostics;
using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Shared;

/// <summary>The blocks of a document that are marked <c>bash</c>, run one after the other in one shell at the repository's root.</summary>
public static partial class ShellBlocks
{
    private const int LengthShown = 4000;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    [GeneratedRegex(
        "^```bash\n(?<block>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Block();

    public static IReadOnlyList<string> Of(string text) => [.. Block().Matches(text).Select(match => match.Groups["block"].Value)];

    /// <summary>Runs a document's blocks; a block that fails ends the script, and the last one begun is the one.</summary>
    /// <param name="document">The document's path within the repository.</param>
    /// <param name="environment">Variables for the shell; <c>TMPDIR</c> is a folder of its own.</param>
    /// <param name="cancellation">Ends the shell and what it started.</param>
    public static async Task RunAsync(string document, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        Assert.SkipUnless(new[] { "bash", "curl", "jq", "sha256sum" }.All(IsInstalled), $"{document} needs bash, curl, jq and sha256sum.");
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(Repository.Root, "models", "digits")), $"{document} needs models/digits, which was deleted.");
        var blocks = Of(await File.ReadAllTextAsync(Path.Combine(Repository.Root, document), cancellation));
        Assert.True(blocks.Count >= 10, $"{document} has {blocks.Count} blocks");
        var folder = Directory.CreateTempSubdirectory("blocks-");
        try
        {
            var numbered = string.Concat(blocks.Select((block, i) => $"echo '### block {i + 1}' >&2\n{block}\n"));
            var script = $"set -euo pipefail\n{numbered}echo '### end' >&2\n";
            var (exitCode, output) = await RunAsync(script, folder.FullName, environment, cancellation);
            Assert.True(
                exitCode == 0 && output.Contains("### end", StringComparison.Ordinal), $"{document} ended with {exitCode}:\n{output}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(
        string script, string temporary, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_limit);
        var start = new ProcessStartInfo("bash", ["-s"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
            Environment = { ["TMPDIR"] = temporary },
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardInput.WriteAsync(script.AsMemory(), limit.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, $"{Last(await output)}\n{Last(await errors)}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string Last(string text) => text.Length > LengthShown ? text[^LengthShown..] : text;

    private static bool IsInstalled(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, tool)));
}
