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
    [InlineData("operations")]
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
        Assert.Equal([("API reference", "/openapi"), ("Health", "/health")], await platform.PagesAsync("api"));
        Assert.Equal([("Health", "/health")], await platform.PagesAsync("worker"));
    }

    [Theory]
    [InlineData("operations", "promote", true)]
    [InlineData("operations", "roll-back", true)]
    [InlineData("operations", "purge-dead-letters", true)]
    [InlineData("operations", "requeue-dead-letters", false)]
    [InlineData("operations", "make-key", false)]
    [InlineData("operations", "infer", false)]
    [InlineData("worker", "drain", true)]
    [InlineData("inference", "migrate", false)]
    public void Command_asks_first_where_it_hurts(string resource, string name, bool asks)
    {
        var command = platform.Resource(resource).Annotations.OfType<ResourceCommandAnnotation>().Single(each => each.Name == name);

        Assert.Equal(asks, command.ConfirmationMessage is not null);
        Assert.NotNull(command.IconName);
        Assert.NotNull(command.DisplayDescription);
    }
}
