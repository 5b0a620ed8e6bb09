using System.Diagnostics;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>docs/bring-your-own-model.md is followed to the letter: its blocks marked <c>sh</c>, one after the other, in one shell.</summary>
public sealed partial class GuideTests(Platform platform)
{
    private const string Guide = "docs/bring-your-own-model.md";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Guide_works_as_it_is_written()
    {
        Assert.SkipUnless(
            new[] { "bash", "curl", "jq", "sha256sum" }.All(IsInstalled), "The guide needs bash, curl, jq and sha256sum.");
        string[] blocks = [.. ShellBlock().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, Guide), Cancellation)).Select(m => m.Groups["block"].Value)];
        Assert.True(blocks.Length >= 10, $"{Guide} has {blocks.Length} blocks");
        var folder = Directory.CreateTempSubdirectory("guide-");
        try
        {
            // A block that fails ends the script; the last one begun is the one.
            var script = "set -euo pipefail\n" + string.Concat(blocks.Select((block, i) => $"echo '### block {i + 1}' >&2\n{block}\n")) + "echo '### end' >&2\n";

            var (exitCode, output) = await RunAsync(script, folder.FullName);

            Assert.True(exitCode == 0 && output.Contains("### end", StringComparison.Ordinal), $"{Guide} ended with {exitCode}:\n{output}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Guide_says_of_every_other_block_that_it_is_not_run()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, Guide), Cancellation);

        Assert.All(OtherBlock().Matches(text), block =>
        {
            var paragraph = text[..block.Index].TrimEnd().Split("\n\n")[^1];
            Assert.Contains("not run by the test", paragraph, StringComparison.Ordinal);
        });
    }

    private async Task<(int ExitCode, string Output)> RunAsync(string script, string temporary)
    {
        using var client = platform.Admin();
        var start = new ProcessStartInfo("bash", ["-s"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
            Environment =
            {
                ["API"] = client.BaseAddress!.ToString().TrimEnd('/'),
                ["KEY"] = Platform.AdminKey,
                ["MODEL"] = $"guide-{Guid.NewGuid():N}",
                ["TMPDIR"] = temporary,
            },
        };
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(Cancellation);
            var errors = process.StandardError.ReadToEndAsync(Cancellation);
            await process.StandardInput.WriteAsync(script.AsMemory(), Cancellation);
            process.StandardInput.Close();
            await process.WaitForExitAsync(Cancellation);
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

    private static string Last(string text) => text.Length > 4000 ? text[^4000..] : text;

    private static bool IsInstalled(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, tool)));

    [GeneratedRegex("^```sh\n(?<block>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex ShellBlock();

    [GeneratedRegex("^```(?!sh$)[a-z]+$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex OtherBlock();
}
