using Aspire.Hosting.ApplicationModel;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>What the Aspire dashboard shows of the product's own.</summary>
public sealed class WebTests(SharedPlatform platform)
{
    [Fact]
    public void Web_has_an_icon() =>
        Assert.NotEmpty(platform.Resource("web").Annotations.OfType<ResourceIconAnnotation>().Last().IconName);

    [Fact]
    public async Task Web_names_its_pages() => Assert.Equal(
        [("Dashboard", "/"), ("Playground", "/playground"), ("Sign in", "/sign-in"), ("Health", "/health")],
        await platform.PagesAsync("web"));
}
