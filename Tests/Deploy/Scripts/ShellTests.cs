using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Scripts;

public sealed class ShellTests
{
    public static TheoryData<string> Programs => [.. Directory.EnumerateFiles(ScriptFiles.Directory, "*.sh")
        .Where(f => File.ReadLines(f).First().StartsWith("#!", StringComparison.Ordinal))
        .Select(f => Path.GetFileName(f)!)
        .Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Shellcheck_finds_nothing()
    {
        Assert.SkipUnless(Tool.Find("shellcheck") is not null, "shellcheck is missing (Debian: apt-get install shellcheck)");
        string[] files =
        [
            Path.Combine(Repository.Root, "run"), Path.Combine(Repository.Root, "test"), Path.Combine(Repository.Root, ".ci", "run"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "scripts"), "*.sh"),
            .. Directory.EnumerateFiles(ScriptFiles.Directory, "*.sh"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy", "azure", "hooks"), "*.sh"),
        ];

        var result = await Tool.RunAsync("shellcheck", ["--external-sources", "--source-path=SCRIPTDIR", .. files]);

        Assert.True(result.ExitCode == 0, result.All);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Help_says_how_it_is_called(string script)
    {
        var result = await Tool.RunAsync("bash", [ScriptFiles.Path(script), "--help"]);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(script, result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public void Script_can_be_executed(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no executable bit");
        if (!OperatingSystem.IsWindows())
        {
            Assert.True(File.GetUnixFileMode(ScriptFiles.Path(script)).HasFlag(UnixFileMode.UserExecute));
        }
    }
}
