using InferenceTemplate.Tests.Scaffold.Rules;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Every subset of the options, and every hostile name.</summary>
public sealed class ShapeTests(Template template)
{
    private static readonly IReadOnlyList<(HostileName Name, Choice Choice)> s_cases =
    [
        .. HostileName.All.Select((name, n) => (name, n < Choice.All.Count ? Choice.All[n] : Choice.Smallest)),
    ];

    public static TheoryData<int, string> Cases => [.. s_cases.Select((each, n) => (n, $"-n '{each.Name.Name}' {each.Choice}"))];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Project_keeps_the_rules(int number, string described)
    {
        var project = await template.NewAsync(s_cases[number].Name, s_cases[number].Choice).WaitAsync(Cancellation);

        var violations = Rule.All.SelectMany(rule => rule(project)).Distinct(StringComparer.Ordinal).ToList();

        Assert.True(violations.Count == 0, $"{described}: {violations.Count} violations\n{string.Join('\n', violations.Take(40))}");
        Assert.Empty(project.Files.Intersect(SourceTree.Litter, StringComparer.Ordinal));
        Directory.Delete(project.Root, recursive: true);
    }

    /// <summary>What the template takes is named folder by folder, so that nothing else gets into a project: a new file may need a name there.</summary>
    [Fact]
    public async Task Project_has_each_file_that_belongs_to_it()
    {
        var project = await template.NewAsync(HostileName.All[0], Choice.Default).WaitAsync(Cancellation);
        string[] own =
        [
            "pack/", "Bench/", "Tests/Scaffold/", ".template.config/", "README.md", "docs/performance.md", "Template.sln",
            "AppHost/BenchResource.cs", "Tests/AppHost/BenchTests.cs",
        ];

        var files = (await SourceTree.FilesAsync(Cancellation))
            .Where(file => !own.Any(part => file == part || (part[^1] == '/' && file.StartsWith(part, StringComparison.Ordinal))));

        Assert.Empty(files.Except(project.Files, StringComparer.Ordinal));
    }

    /// <summary>The files come as they are: nothing in them is read as a mark of the template by accident.</summary>
    [Fact]
    public async Task Project_of_the_templates_own_name_differs_from_it_in_ports_secrets_and_titles_only()
    {
        var name = new HostileName("InferenceTemplate", "InferenceTemplate", "inference-template");
        var project = await template.NewAsync(name, Choice.Default).WaitAsync(Cancellation);
        string[] own = ["README.md", "InferenceTemplate.slnx", "docs/performance.md"];

        foreach (var (file, text) in project.Texts.Where(each => !own.Contains(each.Key, StringComparer.Ordinal)))
        {
            var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, file), Cancellation);
            Assert.Equal((file, Names.Neutral(source)), (file, Names.Neutral(text)));
        }
    }

    /// <summary>Ports are chosen by chance among those that are free, so two projects may by chance have one in common.</summary>
    [Fact]
    public async Task Project_has_ports_and_user_secrets_of_its_own()
    {
        var project = await template.NewAsync(HostileName.All[0], Choice.Default).WaitAsync(Cancellation);
        var files = project.Files.Where(file => file.EndsWith("launchSettings.json", StringComparison.Ordinal))
            .Append("AppHost/AppHost.csproj").ToList();

        Assert.Equal(5, files.Count);
        foreach (var file in files)
        {
            var source = await File.ReadAllTextAsync(Path.Combine(Repository.Root, file), Cancellation);
            var own = Names.PortsAndSecrets(project.Texts[file]).ToList();
            Assert.Equal(Names.PortsAndSecrets(source).Count(), own.Count);
            Assert.Empty(own.Intersect(Names.PortsAndSecrets(source), StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task New_project_is_told_its_next_two_commands()
    {
        var project = await template.NewAsync(HostileName.All[0], Choice.Smallest).WaitAsync(Cancellation);

        Assert.Contains("git init", project.Said, StringComparison.Ordinal);
        Assert.Contains("./run --check", project.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", project.Said, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Option_that_does_not_exist_is_refused()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => template.NewAsync(HostileName.All[0], Choice.Default, "--gpu", "moon"));

        Assert.Contains("--gpu", failure.Message, StringComparison.Ordinal);
    }
}
