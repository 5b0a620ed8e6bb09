using Aspire.Hosting.ApplicationModel;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>What the Aspire dashboard shows of the platform: that it reads as the architecture.</summary>
public sealed class DashboardTests(SharedPlatform platform)
{
    [Theory]
    [InlineData("postgres")]
    [InlineData("inference")]
    [InlineData("redis")]
    [InlineData("api")]
    [InlineData("worker")]
    //#if (web)
    [InlineData("web")]
    //#endif
    [InlineData("operations")]
    [InlineData("bench")]
    public void Resource_has_an_icon(string name) =>
        Assert.NotEmpty(platform.Resource(name).Annotations.OfType<ResourceIconAnnotation>().Last().IconName);

    [Theory]
    [InlineData("inference", "postgres")]
    [InlineData("operations", "api")]
    public void Resource_is_shown_beneath_what_it_belongs_to(string child, string parent) =>
        Assert.Contains(
            platform.Snapshot(child).Relationships, relationship => relationship.Type == "Parent" && relationship.ResourceName == parent);

    [Fact]
    public void Server_shows_its_process_beneath_it_where_it_is_no_container()
    {
        if (platform.Resource("postgres").Annotations.OfType<ContainerImageAnnotation>().Any())
        {
            Assert.Skip("Docker or Podman runs here: the servers are containers.");
        }

        foreach (var server in new[] { "postgres", "redis" })
        {
            Assert.Contains(
                platform.Resource($"{server}-process").Annotations.OfType<ResourceRelationshipAnnotation>(),
                relationship => relationship.Type == "Parent" && relationship.Resource.Name == server);
        }
    }

    [Fact]
    public async Task Services_name_their_pages()
    {
        Assert.Equal([("API reference", "/openapi"), ("Health", "/health")], await PagesAsync("api"));
        Assert.Equal([("Health", "/health")], await PagesAsync("worker"));
        //#if (web)
        Assert.Equal([("Dashboard", "/"), ("Playground", "/playground"), ("Sign in", "/sign-in"), ("Health", "/health")], await PagesAsync("web"));
        //#endif
    }

    [Theory]
    [InlineData("operations", "promote", true)]
    [InlineData("operations", "roll-back", true)]
    [InlineData("operations", "purge-dead-letters", true)]
    [InlineData("operations", "requeue-dead-letters", false)]
    [InlineData("operations", "make-key", false)]
    //#if (samples)
    [InlineData("operations", "infer", false)]
    //#endif
    [InlineData("worker", "drain", true)]
    [InlineData("inference", "migrate", false)]
    //#if (deploy)
    [InlineData("inference", "backup", false)]
    //#endif
    public void Command_asks_first_where_it_hurts(string resource, string name, bool asks)
    {
        var command = platform.Resource(resource).Annotations.OfType<ResourceCommandAnnotation>().Single(each => each.Name == name);

        Assert.Equal(asks, command.ConfirmationMessage is not null);
        Assert.NotNull(command.IconName);
        Assert.NotNull(command.DisplayDescription);
    }

    [Fact]
    public void Benchmark_waits_to_be_started() =>
        Assert.Equal(KnownResourceStates.NotStarted, platform.Snapshot("bench").State?.Text);

    private async Task<List<(string Name, string Path)>> PagesAsync(string service)
    {
        var replica = (await platform.WaitAsync(service, now => now.Urls.Any(url => !url.IsInactive))).Snapshot;
        return [.. replica.Urls.Where(url => !url.IsInternal).Select(url => (url.DisplayProperties.DisplayName, new Uri(url.Url).AbsolutePath))];
    }
}
