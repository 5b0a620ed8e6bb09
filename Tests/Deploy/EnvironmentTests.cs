using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>Development, staging and production differ in size and in nothing else.</summary>
public sealed partial class EnvironmentTests(Charts charts)
{
    // Everything that is a size, a number of pods, a name in DNS, or says which nodes have a GPU and which of its images the worker runs.
    [GeneratedRegex(
        @"^(\.spec\.template\.spec\.containers\[\d+\]\.resources\.(requests|limits)\.(cpu|memory|nvidia\.com/gpu)"
        + @"|\.spec\.template\.spec\.(nodeSelector|tolerations\b).*|\.spec\.template\.spec\.volumes\[\d+\]\.emptyDir\.sizeLimit"
        + @"|\.spec\.(replicas|minReplicas|maxReplicas|minReplicaCount|maxReplicaCount|fallback\.replicas)"
        + @"|\.spec\.template\.spec\.containers\[\d+\]\.(image|args\[[13]\])" // Postgres' connections and memory
        + @"|\.spec\.strategy\.rollingUpdate\.(maxSurge|maxUnavailable)" // a GPU more is not to be had
        + @"|\.spec\.hard\..+|\.spec\.resources\.requests\.storage|\.spec\.(rules\[\d+\]\.host|tls\[\d+\]\.hosts\[\d+\])"
        + @"|\.data\.(Worker__CacheBytes|Inspection__MemoryBytes|PublicApiUrl|OTEL_RESOURCE_ATTRIBUTES|Worker__Device)"
        + @"|.*\.annotations\.checksum/config)$",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Size();

    [Fact]
    public async Task Environments_differ_in_sizes_only()
    {
        var shapes = new List<string[]>();
        foreach (var name in Charts.Environments)
        {
            var objects = await charts.OfAsync(name);
            var leaves = from each in objects.All
                         from leaf in Leaves(each.Json, "")
                         where !Size().IsMatch(leaf.Path)
                         select $"{each}{leaf.Path}={leaf.Value}";
            shapes.Add([.. leaves.Order(StringComparer.Ordinal)]);
        }

        Assert.Equal(shapes[2], shapes[0]);
        Assert.Equal(shapes[2], shapes[1]);
    }

    [Fact]
    public async Task Environments_grow_towards_production()
    {
        foreach (var component in (await charts.OfAsync("production")).Pods.Select(pods => pods.Component))
        {
            var memory = new List<decimal>();
            foreach (var name in Charts.Environments)
            {
                var pods = (await charts.OfAsync(name)).PodsOf(component);
                memory.Add(Quantity.Parse(pods.Containers.Single().Text("resources", "limits", "memory")));
            }

            Assert.Equal(memory.Distinct().Order(), memory);
        }
    }

    [Fact]
    public async Task Environment_names_itself_in_its_telemetry()
    {
        foreach (var name in Charts.Environments)
        {
            var objects = await charts.OfAsync(name);
            Assert.Equal($"deployment.environment.name={name}", objects.Entry("api-config", "OTEL_RESOURCE_ATTRIBUTES"));
        }
    }

    private static IEnumerable<(string Path, string Value)> Leaves(JsonNode? node, string path) => node switch
    {
        JsonObject mapping => mapping.SelectMany(member => Leaves(member.Value, $"{path}.{member.Key}")),
        JsonArray items => items.SelectMany((item, i) => Leaves(item, $"{path}[{i}]")),
        _ => [(path, node?.ToString() ?? "")],
    };
}
