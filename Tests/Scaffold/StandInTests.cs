using System.Text.Json;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>
/// Files of .template.config that stand in for one of this tree where an option leaves its part out. They change with it; that C# compiles
/// with the rest is what <see cref="ProjectTests"/> show.
/// </summary>
public sealed partial class StandInTests
{
    private const string Config = ".template.config";

    public static TheoryData<string, string> StandIns =>
    [
        .. ((string[])["no-web", "no-deploy"]).SelectMany(option => Directory
            .EnumerateFiles(Path.Combine(Repository.Root, Config, option), "*", SearchOption.AllDirectories)
            .Select(file => (option, Path.GetRelativePath(Path.Combine(Repository.Root, Config, option), file).Replace('\\', '/')))),
    ];

    [GeneratedRegex(@"(public|internal) [^={;]*?(?=\s*(=|\{|;))", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Signature();

    [GeneratedRegex(@"(?<=\n    (requests|limits)\.\w+: |\n    pods: )""?[\w]+""?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Amount();

    [Theory]
    [MemberData(nameof(StandIns))]
    public void Stand_in_takes_the_place_of_a_file_that_its_option_leaves_out(string option, string file)
    {
        using var template = JsonDocument.Parse(Read($"{Config}/template.json"));
        var excluded = template.RootElement.GetProperty("sources")[0].GetProperty("modifiers").EnumerateArray()
            .Single(each => each.GetProperty("condition").GetString() == $"(!{option[3..]})")
            .GetProperty("exclude").EnumerateArray().Select(each => each.GetString()).ToList();

        Assert.True(File.Exists(Path.Combine(Repository.Root, file)), $"{file} is not in this tree");
        Assert.Contains(file, excluded);
    }

    [Theory]
    [MemberData(nameof(StandIns))]
    public void Stand_in_has_what_others_call_and_all_that_is_not_of_the_part(string option, string file)
    {
        var (original, standIn) = (Read(file), Read($"{Config}/{option}/{file}"));

        switch (Path.GetFileName(file))
        {
            case var code when code.EndsWith(".cs", StringComparison.Ordinal):
                Assert.Equal(Signatures(original), Signatures(standIn));
                break;
            case "kustomization.yaml":
                Assert.Equal(original.Split('\n').Where(line => !line.Contains("web", StringComparison.Ordinal)), standIn.Split('\n'));
                break;
            case "quotas.yaml":
                // How much the dashboard's pods take is proved by the project's own tests, which compare with its chart.
                Assert.Equal(Amount().Replace(original, "?"), Amount().Replace(standIn, "?"));
                Assert.Equal(5, Amount().Count(standIn));
                break;
            default:
                Assert.Fail($"{file}: say here in what it may differ");
                break;
        }
    }

    private static IEnumerable<string> Signatures(string code) =>
        Signature()
            .Matches(code).Select(match => string.Join(' ', match.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));
}
