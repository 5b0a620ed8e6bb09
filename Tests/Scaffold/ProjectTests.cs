namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Projects of the template build, run and stop.</summary>
public sealed class ProjectTests(Template template)
{
    // With the whole, which is this tree, and the smallest, which runs, every pair of choices.
    private static readonly Choice[] s_pairs =
    [
        new(Web: true, Cuda: false, Samples: false, Deploy: false),
        new(Web: false, Cuda: true, Samples: false, Deploy: false),
        new(Web: false, Cuda: false, Samples: true, Deploy: true),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Project_builds_with_each_pair_of_parts_missing()
    {
        var workplace = new Workplace(Path.Combine(template.Folder("built"), "my-app 1"));
        foreach (var choice in s_pairs)
        {
            var project = await NewAsync("my-app 1", choice);
            workplace.Take(project);
            var solution = project.Files.Single(file => file.EndsWith(".sln", StringComparison.Ordinal));

            // Analysers have the same code in this tree.
            var (exitCode, output) = await Commands.TryRunAsync(
                "dotnet", ["build", solution, "--nologo", "-v", "quiet", "-p:RunAnalyzers=false"], workplace.Root, Cancellation);

            Assert.True(exitCode == 0, $"{project}: {output}");
            Directory.Delete(project.Root, recursive: true);
        }

        Directory.Delete(workplace.Root, recursive: true);
    }

    [Theory]
    [InlineData("my-app 1", false)]
    [InlineData("推理 平台", true)]
    public async Task Project_runs_infers_and_stops(string name, bool smallest)
    {
        var project = await NewAsync(name, smallest ? Choice.Smallest : Choice.Default);
        await using var footprint = await Footprint.OfAsync(project, Cancellation);
        for (var tries = 1; ; tries++)
        {
            await Ports.ReplaceAsync(project, Cancellation);
            var (exitCode, output) = await Commands.TryRunAsync(project.PathOf("run"), ["--check"], project.Root, Cancellation);

            // Between our asking for free ports and the platform's taking them another program may have come.
            if (exitCode != 0 && tries < 3 && output.Contains("is taken", StringComparison.Ordinal))
            {
                continue;
            }

            Assert.True(exitCode == 0, $"{project}: {output}");
            Assert.Contains(smallest ? "{\"models\":" : "\"model_name\":\"digits\"", output, StringComparison.Ordinal);
            Assert.Contains("check passed", output, StringComparison.Ordinal);
            break;
        }

        // What it left is ignored by the git of a project that has just begun.
        await Commands.RunAsync("git", ["init", "--quiet"], project.Root, Cancellation);
        var untracked = await Commands.RunAsync("git", ["-c", "core.quotepath=off", "status", "--porcelain", "--untracked-files=all"], project.Root, Cancellation);
        Assert.Equal(
            project.Files.Count, untracked.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Directory.Delete(project.Root, recursive: true);
    }

    private Task<GeneratedProject> NewAsync(string name, Choice choice) =>
        template.NewAsync(HostileName.All.Single(each => each.Name == name), choice);
}
