using System.Diagnostics;
using System.Runtime.Versioning;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>
/// <c>./run</c> and what it sources, in a folder of its own with a program in place of dotnet, where the tools are as on macOS: a find
/// without -printf, and no timeout.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class RunScriptTests : IDisposable
{
    private static readonly string[] s_missing = ["timeout", "docker", "podman", "find", "dotnet"];

    private readonly DirectoryInfo _tree = Directory.CreateTempSubdirectory("run-");

    private string Programs => Path.Combine(_tree.FullName, "programs");

    public RunScriptTests()
    {
        Directory.CreateDirectory(Programs);
        Directory.CreateDirectory(Path.Combine(_tree.FullName, "AppHost", "obj"));
        Directory.CreateDirectory(Path.Combine(_tree.FullName, "scripts"));
        File.Copy(Path.Combine(Repository.Root, "run"), Path.Combine(_tree.FullName, "run"));
        File.Copy(Path.Combine(Repository.Root, "scripts", "setup.sh"), Path.Combine(_tree.FullName, "scripts", "setup.sh"));
        foreach (var program in new[] { "/usr/bin", "/bin" }.Where(Directory.Exists).SelectMany(Directory.GetFiles))
        {
            var link = Path.Combine(Programs, Path.GetFileName(program));
            if (!s_missing.Contains(Path.GetFileName(program), StringComparer.Ordinal) && !File.Exists(link))
            {
                File.CreateSymbolicLink(link, program);
            }
        }

        Program("find", """for word; do [ "$word" != -printf ] || { echo 'find: -printf: unknown primary' >&2; exit 1; }; done""");
        Program("docker", "exit 0");
    }

    public void Dispose() => _tree.Delete(recursive: true);

    [Fact]
    public async Task Platform_is_built_and_started_where_find_prints_no_formats_and_nothing_ends_a_command_in_time()
    {
        Program("dotnet", """printf 'dotnet %s\n' "$*" """);

        var (exitCode, output) = await BashAsync("./run");

        Assert.True(exitCode == 0, output);
        Assert.Contains("building AppHost/AppHost.csproj", output, StringComparison.Ordinal);
        Assert.EndsWith("dotnet run --project AppHost --no-build", output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_that_takes_long_says_that_it_goes_on_and_what_the_first_one_does()
    {
        // A second is over at once, and the build lasts until the script has waited for many.
        Program("sleep", """[ "$1" = 1 ] || exec /bin/sleep "$1"; echo >>slept; [ "$(wc -l <slept)" -lt 40 ] || touch built""");
        Program("dotnet", """if [ "$1" = build ]; then until [ -e built ]; do :; done; fi; printf 'dotnet %s\n' "$*" """);

        var (exitCode, output) = await BashAsync("./run");

        Assert.True(exitCode == 0, output);
        Assert.Contains("still building, 15 s; the first time it downloads packages", output, StringComparison.Ordinal);
        Assert.Contains("still building, 30 s", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("within 5 true", 0)]
    [InlineData("within 5 sh -c 'exit 7'", 7)]
    [InlineData("within 1 sleep 60", 143)] // SIGTERM
    public async Task Command_ends_within_its_time_without_the_program_for_that(string command, int expected)
    {
        var (exitCode, output) = await BashAsync("-c", $". scripts/setup.sh; {command}");

        Assert.True(exitCode == expected, $"{exitCode}: {output}");
    }

    [Fact]
    public async Task Home_that_is_not_there_is_named_and_not_taken_for_a_missing_sdk()
    {
        Program("dotnet", "exit 1");

        var (exitCode, output) = await BashAsync("-c", ". scripts/setup.sh; HOME=/no/such/home; need_dotnet");

        Assert.Equal(1, exitCode);
        Assert.Contains("the home folder '/no/such/home' is not there", output, StringComparison.Ordinal);
    }

    private void Program(string name, string body)
    {
        // Not what a link of this name leads to.
        var path = Path.Combine(Programs, name);
        File.Delete(path);
        File.WriteAllText(path, $"#!/bin/bash\n{body}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<(int ExitCode, string Output)> BashAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/bash", arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = _tree.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PATH"] = Programs },
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
