namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Projects of the template build, run, stop and pass their own tests.</summary>
public sealed class ProjectTests(Template template)
{
    private static readonly string[] s_quick =
        ["--nologo", "-v", "quiet", "-clp:NoSummary", "-p:RunAnalyzers=false", "-p:GenerateDocumentationFile=false", "-p:OnnxRuntime=cpu"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>AppHost refers to all services, so the stand-ins of both options are compiled with all that they stand in for.</summary>
    [Fact, Trait("Tier", "Nightly")]
    public async Task Smallest_project_builds()
    {
        var project = await NewAsync("my-app 1", Choice.Smallest);

        await BuildAsync(project, "AppHost/AppHost.csproj");

        Directory.Delete(project.Root, recursive: true);
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Project_builds_with_every_choice_and_without_the_samples()
    {
        var workplace = new Workplace(Path.Combine(template.Folder("built"), "my-app 1"));
        foreach (var choice in Choice.All)
        {
            var project = await NewAsync("my-app 1", choice);
            Directory.Delete(project.PathOf("models/digits"), recursive: true);
            Directory.Delete(project.PathOf("models/delivery-time"), recursive: true);
            project = new GeneratedProject(project.Name, choice, project.Root, project.Said);
            workplace.Take(project);

            // Analyzers have the same code in this tree.
            var (exitCode, output) = await Commands.TryRunAsync(
                "dotnet", ["build", "my-app 1.slnx", "--nologo", "-v", "quiet", "-p:RunAnalyzers=false"], workplace.Root, Cancellation);

            Assert.True(exitCode == 0, $"{project}: {output}");
            Directory.Delete(project.Root, recursive: true);
        }

        Directory.Delete(workplace.Root, recursive: true);
    }

    [Theory, Trait("Tier", "Nightly")]
    [InlineData("my-app 1", false)]
    [InlineData("推理 平台", true)]
    public async Task Project_runs_infers_stops_and_passes_its_own_tests(string name, bool smallest)
    {
        var project = await NewAsync(name, smallest ? Choice.Smallest : Choice.Default);
        await using var footprint = await Footprint.OfAsync(project, Cancellation);

        var (exitCode, output) = await Commands.TryRunAsync(project.PathOf("run"), ["--check"], project.Root, Cancellation);
        Assert.True(exitCode == 0, $"{project}: {output}");
        Assert.Contains("\"model_name\":\"digits\"", output, StringComparison.Ordinal);
        Assert.Contains("check passed", output, StringComparison.Ordinal);

        // Warnings as errors, the format, and the tests that take seconds; the others have the same code in this tree.
        await TestAsync(project, "FullyQualifiedName~.Tests.Unit.|FullyQualifiedName~.Tests.Storage.|FullyQualifiedName~ManifestTests");

        // What it left is ignored by the git of a project that has just begun, but for what its first ./test writes to be checked in.
        await Commands.RunAsync("git", ["init", "--quiet"], project.Root, Cancellation);
        var untracked = await Commands.RunAsync(
            "git", ["-c", "core.quotepath=off", "ls-files", "--others", "--exclude-standard"], project.Root, Cancellation);
        Assert.Equal(
            smallest ? ["aspire-manifest.json"] : [],
            untracked.Split('\n', StringSplitOptions.RemoveEmptyEntries).Except(project.Files, StringComparer.Ordinal));
        Directory.Delete(project.Root, recursive: true);
    }

    /// <summary>The quota and the overlay that stand in for those with the dashboard are the ones that its chart has.</summary>
    [Fact, Trait("Tier", "Nightly")]
    public async Task Project_without_the_dashboard_writes_its_manifest_and_chart_and_passes_the_tests_of_them()
    {
        var project = await NewAsync("my-app 1", new Choice(Web: false, Deploy: true));

        await TestAsync(
            project, "FullyQualifiedName~AspirateTests|FullyQualifiedName~.ChartTests|FullyQualifiedName~.ScalingTests|FullyQualifiedName~ManifestTests");

        Assert.True(project.Exists("aspire-manifest.json"));
        Assert.True(project.Exists("deploy/helm/Chart.yaml"));
        Directory.Delete(project.Root, recursive: true);
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Project_without_the_samples_runs_and_its_tests_say_what_they_lack()
    {
        var project = await NewAsync("Vision", Choice.Smallest);
        await using var footprint = await Footprint.OfAsync(project, Cancellation);
        Directory.Delete(project.PathOf("models/digits"), recursive: true);
        Directory.Delete(project.PathOf("models/delivery-time"), recursive: true);

        var (exitCode, output) = await Commands.TryRunAsync(project.PathOf("run"), ["--check"], project.Root, Cancellation);
        Assert.True(exitCode == 0, $"{project}: {output}");
        Assert.Contains("{\"models\":", output, StringComparison.Ordinal);

        (exitCode, output) = await Commands.TryRunAsync(
            "dotnet", ["test", "Tests/AppHost", "--nologo", "--filter", "FullyQualifiedName~OperationsTests"], project.Root, Cancellation);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("models/digits is not there", output, StringComparison.Ordinal);
        Directory.Delete(project.Root, recursive: true);
    }

    private static async Task TestAsync(GeneratedProject project, string filter)
    {
        var (exitCode, output) = await Commands.TryRunAsync(project.PathOf("test"), ["--filter", filter], project.Root, Cancellation);
        Assert.True(exitCode == 0, $"{project}: {output}");
        Assert.Contains(" passed, 0 failed, ", output, StringComparison.Ordinal);
    }

    private static async Task BuildAsync(GeneratedProject project, string what)
    {
        var (exitCode, output) = await Commands.TryRunAsync("dotnet", ["build", what, .. s_quick], project.Root, Cancellation);
        Assert.True(exitCode == 0, $"{project}: {output}");
    }

    private Task<GeneratedProject> NewAsync(string name, Choice choice) =>
        template.NewAsync(HostileName.All.Single(each => each.Name == name), choice);
}
