using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Tests.Offline.Hosting;

public sealed class RunEnvironmentTests
{
    private static readonly string[] Values =
    [
        "--Parameters:postgres-password=p1", "--Parameters:redis-password=r1", "--Parameters:api-key-pepper=a1", "--Parameters:jwt-signing-key=j1",
    ];

    [Fact]
    public async Task Environment_equals_that_of_the_real_libraries()
    {
        var lines = await EvaluateAsync(
            [.. Values, "--environment=Development", "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://localhost:19000", "--AppHost:OtlpApiKey=d0c6fe3e029d886ce48fa4276a60b9aa"]);

        // The real ones add a hidden rebuilder for each project; there is nothing to rebuild by here.
        var expected = SampleTopology.Reference("run-environment.txt").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(l => !l.Contains("-rebuilder", StringComparison.Ordinal));
        Assert.Equal(expected, lines);
    }

    [Fact]
    public async Task Environment_names_no_collector_when_none_is_configured()
    {
        var lines = await EvaluateAsync([.. Values, "--environment=Development"]);

        Assert.DoesNotContain(lines, l => l.Contains("OTEL_EXPORTER_OTLP_", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("OTEL_SERVICE_NAME", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Environment_has_no_sampler_outside_development()
    {
        var lines = await EvaluateAsync([.. Values, "--environment=Production"]);

        Assert.DoesNotContain(lines, l => l.Contains("OTEL_TRACES_SAMPLER", StringComparison.Ordinal) || l.Contains("_DELAY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Service_discovery_numbers_no_endpoint_twice()
    {
        var builder = SampleTopology.Builder();
        var api = builder.AddProject<SampleTopology.InferenceApi>("api").WithHttpEndpoint(name: "admin");
        var web = builder.AddProject<SampleTopology.InferenceWeb>("web").WithReference(api).WithReference(api.GetEndpoint("admin"));
        Allocate(builder);

        var environment = await web.Resource.GetEnvironmentVariableValuesAsync();

        Assert.Equal("http://localhost:40000", environment["services__api__http__0"]);
        Assert.Equal("http://localhost:40001", environment["services__api__admin__0"]);
        Assert.Equal("http://localhost:40001", environment["API_ADMIN"]);
    }

    private static async Task<List<string>> EvaluateAsync(string[] args)
    {
        var builder = SampleTopology.Builder(args);
        SampleTopology.Describe(builder);
        Allocate(builder);
        var lines = new List<string>();
        foreach (var resource in builder.Resources.OfType<IResourceWithEnvironment>())
        {
            var endpoints = resource.Annotations.OfType<EndpointAnnotation>()
                .Select(e => $"{e.Name}:{e.UriScheme} port={e.Port} target={e.TargetPort} proxied={e.IsProxied}");
            lines.Add($"== {resource.Name} ({resource.GetType().Name}) replicas={resource.GetReplicaCount()} endpoints: {string.Join(", ", endpoints)}");
            lines.AddRange((await resource.GetEnvironmentVariableValuesAsync()).Select(v => $"   {v.Key}={v.Value}"));
        }

        return lines;
    }

    private static void Allocate(DistributedApplicationBuilder builder)
    {
        var port = 40000;
        foreach (var resource in builder.Resources)
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                endpoint.AllocatedEndpoint = new(endpoint, "localhost", port++, $"{{{{- portFor \"{resource.Name}_{endpoint.Name}\" -}}}}");
            }
        }
    }
}
