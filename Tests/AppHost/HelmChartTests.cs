using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>What the chart holds is in Tests/Deploy; here, when it is written, and that nothing else changes for it.</summary>
public sealed class HelmChartTests
{
    [Theory]
    [InlineData("helm-chart")]
    [InlineData("publish")]
    public async Task Step_writes_the_chart(string step)
    {
        var folder = Directory.CreateTempSubdirectory("chart-");
        try
        {
            await PublishAsync("--operation", "publish", "--step", step, "--output-path", folder.FullName);

            Assert.True(File.Exists(Path.Combine(folder.FullName, "Chart.yaml")), "there is no Chart.yaml");
            Assert.True(
                File.Exists(Path.Combine(folder.FullName, "templates", "api", "deployment.yaml")), "there is no deployment of the Api");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Manifest_comes_without_a_chart()
    {
        // Within the repository, since paths in a manifest are relative to it.
        var folder = Directory.CreateDirectory(Path.Combine(Repository.Root, $".manifest-{Guid.NewGuid():N}"));
        try
        {
            await PublishAsync("--publisher", "manifest", "--output-path", Path.Combine(folder.FullName, "manifest.json"));

            Assert.Equal("manifest.json", Assert.Single(folder.GetFileSystemInfos()).Name);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData]
    [InlineData("--publisher", "manifest")]
    [InlineData("--operation", "publish", "--step", "publish-manifest")]
    public async Task Running_and_the_manifest_know_nothing_of_the_cluster(params string[] arguments)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            arguments, TestContext.Current.CancellationToken);

        Assert.Contains(builder.Resources, resource => resource.Name == "postgres");
        Assert.DoesNotContain(builder.Resources, resource => resource.Name is "scaling-token" or "data-protection-secret");
    }

    private static async Task PublishAsync(params string[] arguments)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            arguments, TestContext.Current.CancellationToken);
        await using var app = await builder.BuildAsync(TestContext.Current.CancellationToken);
        await app.RunAsync(TestContext.Current.CancellationToken);
    }
}
