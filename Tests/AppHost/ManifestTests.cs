using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

public sealed class ManifestTests
{
    private static readonly string CheckedIn = Path.Combine(Repository.Root, "aspire-manifest.json");

    [Fact]
    public async Task Checked_in_manifest_is_the_one_that_the_topology_gives()
    {
        // Beside the checked-in one, since paths in a manifest are relative to it.
        var written = Path.Combine(Repository.Root, $".manifest-{Guid.NewGuid():N}.json");
        try
        {
            var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
                ["--publisher", "manifest", "--output-path", written], TestContext.Current.CancellationToken);
            await using var app = await builder.BuildAsync(TestContext.Current.CancellationToken);
            await app.RunAsync(TestContext.Current.CancellationToken);

            Assert.True(
                await File.ReadAllTextAsync(CheckedIn, TestContext.Current.CancellationToken)
                    == await File.ReadAllTextAsync(written, TestContext.Current.CancellationToken),
                "aspire-manifest.json differs from the topology: run scripts/manifest.sh");
        }
        finally
        {
            File.Delete(written);
        }
    }

    [Fact]
    public async Task Volumes_have_names_of_their_own_where_nothing_is_published()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(TestContext.Current.CancellationToken);

        var volumes = builder.Resources.SelectMany(resource => resource.Annotations.OfType<ContainerMountAnnotation>())
            .Where(mount => mount.Type == ContainerMountType.Volume).Select(mount => mount.Source!).Order(StringComparer.Ordinal).ToList();

        Assert.Equal(2, volumes.Count);
        Assert.EndsWith("-postgres-data", volumes[0], StringComparison.Ordinal);
        Assert.EndsWith("-redis-data", volumes[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Manifest_holds_no_secret()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(CheckedIn));

        foreach (var resource in manifest.RootElement.GetProperty("resources").EnumerateObject())
        {
            if (resource.Value.TryGetProperty("inputs", out var inputs))
            {
                var value = inputs.GetProperty("value");
                Assert.True(value.GetProperty("secret").GetBoolean(), resource.Name);
                Assert.False(value.TryGetProperty("default", out var fallback) && fallback.TryGetProperty("value", out _), resource.Name);
            }
        }
    }

    [Fact]
    public void Worker_is_started_without_onnx_runtime_telemetry()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(CheckedIn));

        var environment = manifest.RootElement.GetProperty("resources").GetProperty("worker").GetProperty("env");

        Assert.Equal("1", environment.GetProperty("ORT_DISABLE_TELEMETRY").GetString());
    }

    [Fact]
    public void Only_the_services_for_callers_are_reached_from_outside()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllText(CheckedIn));

        var external = manifest.RootElement.GetProperty("resources").EnumerateObject()
            .Where(r => r.Value.TryGetProperty("bindings", out var bindings)
                && bindings.EnumerateObject().Any(b => b.Value.TryGetProperty("external", out _)))
            .Select(r => r.Name);

        string[] expected = Repository.HasDashboard ? ["api", "web"] : ["api"];
        Assert.Equal(expected, external.Order(StringComparer.Ordinal));
    }
}
