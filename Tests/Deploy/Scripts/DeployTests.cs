namespace InferenceTemplate.Tests.Deploy.Scripts;

public sealed class DeployTests : IDisposable
{
    private const string KnowsRevision4 = """[ "$1" != history ] || echo '[{"revision":4,"status":"deployed"}]'""";

    private readonly Commands _commands = new();

    public void Dispose() => _commands.Dispose();

    [Fact]
    public async Task Deploy_upgrades_atomically_with_the_values_of_the_environment()
    {
        var result = await _commands.With("kubectl").With("helm", KnowsRevision4)
            .RunAsync("deploy.sh", ["staging", "-f", "images.yaml"], ("NAMESPACE", "team-a"));

        Assert.True(result.ExitCode == 0, result.All);
        var upgrade = Assert.Single(_commands.Calls, c => c.StartsWith("helm upgrade", StringComparison.Ordinal));
        Assert.Matches(@"helm upgrade inference-template \S+/helm -f \S+/helm/values\.staging\.yaml ", upgrade);
        Assert.Contains("--namespace team-a", upgrade, StringComparison.Ordinal);
        Assert.Contains("--atomic --wait", upgrade, StringComparison.Ordinal);
        Assert.EndsWith("-f images.yaml", upgrade, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_goes_back_to_the_revision_before_when_the_platform_does_not_answer()
    {
        var result = await _commands.With("kubectl").With("helm", KnowsRevision4).With("curl", "printf 503")
            .RunAsync("deploy.sh", ["production"], ("SMOKE_URL", "http://localhost:1"), ("SMOKE_KEY", "k_s"), ("SMOKE_TRIES", "1"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(_commands.Calls, c => c.StartsWith("helm rollback inference-template 4 ", StringComparison.Ordinal));
        Assert.Contains("was rolled back", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_fails_when_helm_fails()
    {
        var result = await _commands.With("kubectl").With("helm", "[ \"$1\" != upgrade ] || exit 3")
            .RunAsync("deploy.sh", ["production"]);

        Assert.Equal(3, result.ExitCode);
        Assert.DoesNotContain("deployed", result.Output.Split('\n'));
    }

    [Fact]
    public async Task Deploy_refuses_an_environment_without_values()
    {
        var result = await _commands.With("kubectl").With("helm").RunAsync("deploy.sh", ["moon"]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("no values for 'moon'", result.Errors, StringComparison.Ordinal);
        Assert.Empty(_commands.Calls);
    }

    [Theory]
    [InlineData("", "helm rollback inference-template 0 ")]
    [InlineData("7", "helm rollback inference-template 7 ")]
    public async Task Rollback_takes_the_revision_named_or_the_one_before(string revision, string call)
    {
        var result = await _commands.With("helm").RunAsync("rollback.sh", revision.Length == 0 ? [] : [revision]);

        Assert.True(result.ExitCode == 0, result.All);
        Assert.StartsWith(call, Assert.Single(_commands.Calls), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rollback_refuses_what_is_no_revision()
    {
        var result = await _commands.With("helm").RunAsync("rollback.sh", ["yesterday"]);

        Assert.Equal(2, result.ExitCode);
        Assert.Empty(_commands.Calls);
    }
}
