using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Documents;

/// <summary>Documents name only what is in the tree.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] s_states = ["works", "partly", "not yet"];

    private static readonly Lazy<string> s_tests = new(() => DocumentFiles.TextOf("Tests/", ".cs"));

    public static TheoryData<string> Files => DocumentFiles.All;

    [GeneratedRegex(
        @"^(AppHost|Api|Client|Worker|Web|Core|Data|ServiceDefaults|Bench|Tests|deploy|docs|models|scripts|pack)/[\w./-]+$",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PathInTree();

    [GeneratedRegex(@"^[\w-]+\.(cs|sh|yml|yaml|md|json|bicep|csproj)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FileName();

    [GeneratedRegex(@"^(?<class>[A-Z]\w+(Tests|Rules))(\.(?<method>\w+))?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TestName();

    [GeneratedRegex(
        @"^\| (?<id>[A-Z]\d+) \|[^|]*\| (?<state>[^|]+) \|[^|]*\| (?<proof>.*) \|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ReadinessRow();

    [GeneratedRegex(
        @"^\| (?<id>G\d+) \| [^|]+ \| (?<place>[^|]+) \| (?<proof>[^|]+) \|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex GuaranteeRow();

    [Theory]
    [MemberData(nameof(Files))]
    public void Links_lead_to_a_file_and_a_heading(string document) => Assert.Empty(DocumentFiles.Links(document).Where(link =>
        !DocumentFiles.Exists(link.Path)
        || (link.Heading is { } heading && !DocumentFiles.Anchors(link.Path).Contains(heading, StringComparer.Ordinal))).ToList());

    [Theory]
    [MemberData(nameof(Files))]
    public void Paths_in_code_are_there(string document) =>
        Assert.Empty(DocumentFiles.Code(DocumentFiles.Read(document))
            .Where(code => PathInTree().IsMatch(code) && !DocumentFiles.Exists(code)).ToList());

    [Theory]
    [MemberData(nameof(Files))]
    public void Documents_have_no_marks_of_the_template(string document) =>
        Assert.DoesNotMatch("<!--#?(if|end)|:-->", DocumentFiles.Read(document));

    [Theory]
    [InlineData("docs/production-readiness.md")]
    [InlineData("docs/guarantees.md")]
    public void Files_and_tests_that_prove_readiness_are_there(string document)
    {
        var names = DocumentFiles.Files.Select(file => Path.GetFileName(file)).ToHashSet(StringComparer.Ordinal);

        Assert.Empty(DocumentFiles.Code(DocumentFiles.Read(document)).Where(code =>
            (FileName().IsMatch(code) && !names.Contains(code))
            || (TestName().Match(code) is { Success: true } test && !HasTest(test))).ToList());
    }

    [Fact]
    public void Each_guarantee_has_a_number_a_place_and_a_test_of_its_own()
    {
        var rows = GuaranteeRow().Matches(DocumentFiles.Read("docs/guarantees.md"));

        Assert.True(rows.Count > 20, $"{rows.Count} rows");
        Assert.Equal(Enumerable.Range(1, rows.Count).Select(n => $"G{n}"), rows.Select(row => row.Groups["id"].Value));
        Assert.All(rows, row =>
        {
            Assert.Matches(@"^\[[^]]+\]\([\w.-]+#[\w-]+\)$", row.Groups["place"].Value);
            Assert.All(row.Groups["proof"].Value.Split(", "), proof => Assert.True(
                TestName().Match(proof.Trim('`')).Groups["method"].Success, $"{row.Groups["id"].Value}: {proof}"));
        });
    }

    [Fact]
    public void What_works_has_a_test_that_says_so()
    {
        var rows = ReadinessRow().Matches(DocumentFiles.Read("docs/production-readiness.md"));

        Assert.True(rows.Count > 60, $"{rows.Count} rows");
        Assert.All(rows, row => Assert.Contains(row.Groups["state"].Value, s_states));
        Assert.Empty(rows
            .Where(row => row.Groups["state"].Value == "works")
            .Where(row => !DocumentFiles.Code(row.Groups["proof"].Value).Any(code => TestName().IsMatch(code)))
            .Select(row => row.Groups["id"].Value));
    }

    // A method in the file of its class.
    private static bool HasTest(Match test) => test.Groups["method"] is { Success: true } method
        ? DocumentFiles.Under("Tests/", ".cs").Select(DocumentFiles.Read)
            .Any(text => text.Contains($"class {test.Groups["class"].Value}", StringComparison.Ordinal)
                && text.Contains($" {method.Value}(", StringComparison.Ordinal))
        : Regex.IsMatch(s_tests.Value, $@"class {test.Groups["class"].Value}\b", RegexOptions.None, TimeSpan.FromSeconds(30));
}
