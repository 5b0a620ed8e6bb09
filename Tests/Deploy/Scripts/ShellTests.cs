using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Scripts;

public sealed partial class ShellTests
{
    public static TheoryData<string> Programs => [.. Directory.EnumerateFiles(ScriptFiles.Directory, "*.sh")
        .Where(f => File.ReadLines(f).First().StartsWith("#!", StringComparison.Ordinal))
        .Select(f => Path.GetFileName(f)!)
        .Order(StringComparer.Ordinal)];

    private static readonly string[] s_all =
    [
        Path.Combine(Repository.Root, "run"), Path.Combine(Repository.Root, "test"), Path.Combine(Repository.Root, ".ci", "run"),
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "scripts"), "*.sh"),
        .. Directory.EnumerateFiles(ScriptFiles.Directory, "*.sh"),
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy", "azure", "hooks"), "*.sh"),
    ];

    /// <summary>macOS has Bash 3.2, to which an empty array is an unset variable, and the tools of BSD.</summary>
    [Fact]
    public void Scripts_have_what_macos_has()
    {
        foreach (var file in s_all)
        {
            var text = File.ReadAllText(file);
            var empty = EmptyArray().Matches(text).Select(found => found.Groups["name"].Value).Distinct();
            Assert.All(empty, name => Assert.False(
                Regex.IsMatch(text, $@"(?<![+])""\$\{{{name}\[@\]\}}""", RegexOptions.None, TimeSpan.FromSeconds(30)),
                $"{file}: {name} may be empty: ${{{name}[@]+\"${{{name}[@]}}\"}}"));
            Assert.False(OfGnuOrNewer().IsMatch(text), $"{file}: {OfGnuOrNewer().Match(text).Value}");
        }
    }

    [GeneratedRegex(@"\b(?<name>[a-z_]+)=\(\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EmptyArray();

    [GeneratedRegex(
        @"\bmapfile\b|\breadarray\b|declare -A|\bnproc\b|readlink -f|sed -i|stat -c|grep -[a-zA-Z]*P\b"
        + @"|(?<=[|;&(] *)sha256sum -|^ *timeout \d",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex OfGnuOrNewer();

    [Fact]
    public async Task Shellcheck_finds_nothing()
    {
        Assert.SkipUnless(Tool.Find("shellcheck") is not null, "shellcheck is missing (Debian: apt-get install shellcheck)");
        var result = await Tool.RunAsync("shellcheck", ["--external-sources", "--source-path=SCRIPTDIR", .. s_all]);

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
