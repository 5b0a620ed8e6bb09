using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>Development, staging and production differ in size and in nothing else.</summary>
public sealed partial class EnvironmentTests(Charts charts)
{
    private static readonly string[] s_environments = ["development", "staging", "chart"];

    // Everything that is a size, a number of pods, a name in DNS, or says which nodes have a GPU.
    [GeneratedRegex(
        @"^(\.spec\.template\.spec\.containers\[\d+\]\.resources\.(requests|limits)\.(cpu|memory|nvidia\.com/gpu)|\.spec\.template\.spec\.(nodeSelector|tolerations\b).*"
        + @"|\.spec\.(replicas|minReplicas|maxReplicas|minReplicaCount|maxReplicaCount|fallback\.replicas)|\.spec\.hard\..+|\.data\.(Worker__CacheBytes|Inspection__MemoryBytes)|\.spec\.template\.spec\.volumes\[\d+\]\.emptyDir\.sizeLimit|\.spec\.resources\.requests\.storage"
        + @"|\.spec\.(rules\[\d+\]\.host|tls\[\d+\]\.hosts\[\d+\])|\.data\.(PublicApiUrl|OTEL_RESOURCE_ATTRIBUTES|Worker__Device)|.*\.annotations\.checksum/config)$",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Size();

    [Fact]
    public async Task Environments_differ_in_sizes_only()
    {
        var shapes = new List<string[]>();
        foreach (var name in s_environments)
        {
            var objects = await charts.OfAsync(name);
            shapes.Add([.. objects.All.SelectMany(each => Leaves(each.Json, "").Where(leaf => !Size().IsMatch(leaf.Path)).Select(leaf => $"{each}{leaf.Path}={leaf.Value}")).Order(StringComparer.Ordinal)]);
        }

        Assert.Equal(shapes[2], shapes[0]);
        Assert.Equal(shapes[2], shapes[1]);
    }

    [Fact]
    public async Task Environments_grow_towards_production()
    {
        foreach (var component in (await charts.OfAsync("chart")).Pods.Select(pods => pods.Component))
        {
            var memory = new List<int>();
            foreach (var name in s_environments)
            {
                var pods = (await charts.OfAsync(name)).Pods.Single(each => each.Component == component);
                memory.Add(int.Parse(pods.Containers.Single().Text("resources", "limits", "memory")[..^2], CultureInfo.InvariantCulture));
            }

            Assert.Equal(memory.Distinct().Order(), memory);
        }
    }

    [Fact]
    public async Task Environment_names_itself_in_its_telemetry()
    {
        var names = new List<string>();
        foreach (var name in s_environments)
        {
            names.Add((await charts.OfAsync(name)).Find("ConfigMap", "api-config")!.Json.Text("data", "OTEL_RESOURCE_ATTRIBUTES"));
        }

        Assert.Equal(["deployment.environment.name=development", "deployment.environment.name=staging", "deployment.environment.name=production"], names);
    }

    [Theory]
    [InlineData("--Deploy:Environment=test", "Deploy:Environment is 'test': it must be one of development, staging, production")]
    [InlineData("--Deploy:Database=mysql", "Deploy:Database is 'mysql': it must be one of incluster, managed, cloudnativepg")]
    [InlineData("--Deploy:Redis=cloudnativepg", "it must be incluster or managed")]
    [InlineData("--Deploy:Tls=on", "Deploy:Tls is 'on': it must be true or false")]
    [InlineData("--Deploy:OtlpEndpoint=collector", "Deploy:OtlpEndpoint is 'collector': it must be an address with a port")]
    public async Task Publishing_refuses_a_switch_that_it_does_not_know(string given, string message)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => charts.PublishAsync(given));

        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Path, string Value)> Leaves(JsonNode? node, string path) => node switch
    {
        JsonObject mapping => mapping.SelectMany(member => Leaves(member.Value, $"{path}.{member.Key}")),
        JsonArray items => items.SelectMany((item, i) => Leaves(item, $"{path}[{i}]")),
        _ => [(path, node?.ToString() ?? "")],
    };
}
