using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Azure;

/// <summary>The chart as deploy/azure has it installed: its secrets are in the vault, and who reaches in is where AKS has it.</summary>
public sealed partial class AzureChartTests(Charts charts) : IDisposable
{
    private const string Present = "inference-template-api-key-pepper";

    private static readonly string s_azure = Path.Combine(Repository.Root, "deploy", "azure");

    private readonly Commands _commands = new();

    public void Dispose() => _commands.Dispose();

    [Fact]
    public async Task Every_secret_that_the_chart_reads_is_in_the_vault_by_a_name_that_it_takes()
    {
        var objects = await RenderedAsync();
        var read = objects.OfKind("ExternalSecret").SelectMany(each => each.Spec.Items("data"))
            .Select(entry => entry.Text("remoteRef", "key")).Distinct().ToList();
        var vault = await File.ReadAllTextAsync(Path.Combine(s_azure, "infra", "vault.bicep"), TestContext.Current.CancellationToken);
        var written = WrittenByBicep().Matches(vault).Select(found => found.Groups["name"].Value).ToList();

        var result = await FilledAsync();

        Assert.True(result.ExitCode == 0, result.All);
        Assert.Equal(2, written.Count);
        Assert.All(read, name => Assert.Matches("^[0-9A-Za-z-]{1,127}$", name));
        Assert.Equal(
            read.Order(StringComparer.Ordinal), written.Concat(Made()).Append(Present).Order(StringComparer.Ordinal));
        Assert.Contains($"{Present} is there and stays", result.Output, StringComparison.Ordinal);
        Assert.Contains("64 letters and digits", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_commands.Calls, call => call.Contains("--value", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Vault_gets_a_secret_of_the_environment_whatever_is_in_it()
    {
        var result = await _commands.With("az", """
            if [ "$3" = list ]; then exit; fi
            while [ $# -gt 0 ]; do
              if [ "$1" = --file ]; then printf '[%s]\n' "$(cat "$2")"; fi
              shift
            done
            """).RunAsync("vault-secrets.sh", ["kv-test"], ("ADMIN_SECRET", """it's "quoted" \ and \" both"""));

        Assert.True(result.ExitCode == 0, result.All);
        Assert.Contains("""[it's "quoted" \ and \" both]""", result.Output, StringComparison.Ordinal);
        Assert.Contains("inference-template-admin-secret", Made());
    }

    [Fact]
    public async Task Vault_that_can_not_be_read_is_not_taken_for_an_empty_one()
    {
        var result = await FilledAsync(list: "exit 1");

        Assert.Equal(1, result.ExitCode);
        Assert.Empty(Made());
        Assert.Contains("can't be listed", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingress_and_autoscaler_of_the_cluster_reach_the_pods_and_nobody_elses_do()
    {
        var objects = await RenderedAsync();
        var expected = ExpectedEdges.WithManagedServers().Select(edge => edge
            .Replace("namespace/ingress-nginx ", "namespace/app-routing-system ", StringComparison.Ordinal)
            .Replace("namespace/keda ", "namespace/kube-system ", StringComparison.Ordinal)).ToList();

        Assert.Empty(NetworkEdges.Violations(objects, ChartTests.Expected("database=managed redis=managed") with { Edges = expected }));
        Assert.All(objects.OfKind("Ingress"), ingress =>
            Assert.Equal("webapprouting.kubernetes.azure.com", ingress.Spec.Text("ingressClassName")));
    }

    /// <summary>The namespaces are of what the cluster's own template switches on, and the ingress' network is that of its pods.</summary>
    [Fact]
    public async Task Values_are_those_of_the_cluster_that_the_template_makes()
    {
        var cluster = await File.ReadAllTextAsync(Path.Combine(s_azure, "infra", "cluster.bicep"), TestContext.Current.CancellationToken);

        Assert.Contains("webAppRouting: { enabled: true }", cluster, StringComparison.Ordinal);
        Assert.Contains("keda: { enabled: true }", cluster, StringComparison.Ordinal);
        Assert.Contains($"podCidr: '{Values().Text("ingressNetwork")}'", cluster, StringComparison.Ordinal);
    }

    [Fact]
    public void Store_fits_its_schema_and_has_the_name_that_the_chart_asks_for()
    {
        var store = Assert.Single(RenderedObjects.Parse(File.ReadAllText(Path.Combine(s_azure, "secret-store.yaml"))).All);
        Assert.Equal(Charts.Values().Text("secretStore"), store.Name);
        var schemas = SchemaValidator.Find();
        Assert.SkipWhen(schemas is null, SchemaValidator.Absent);

        Assert.Empty(schemas!.Errors(store));
    }

    private async Task<RenderedObjects> RenderedAsync()
    {
        var given = Values();
        foreach (var (name, value) in Charts.Given())
        {
            given[name] = value?.DeepClone();
        }

        return RenderedObjects.Parse(await charts.HelmAsync("production", given));
    }

    private static JsonObject Values() => YamlJson.Parse(File.ReadAllText(Path.Combine(s_azure, "values.yaml"))).Single();

    private Task<ToolResult> FilledAsync(string list = $"echo {Present}; exit") => _commands.With("az", $$"""
        if [ "$3" = list ]; then {{list}}; fi
        while [ $# -gt 0 ]; do
          if [ "$1" = --file ]; then grep -qE '^[A-Za-z0-9]{64}$' "$2" && echo '64 letters and digits'; fi
          shift
        done
        """).RunAsync("vault-secrets.sh", ["kv-test"]);

    private IEnumerable<string> Made() => _commands.Calls
        .Where(call => call.StartsWith("az keyvault secret set ", StringComparison.Ordinal))
        .Select(call => Named().Match(call).Groups["name"].Value);

    [GeneratedRegex("name: '(?<name>[a-z-]+-connection)'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WrittenByBicep();

    [GeneratedRegex("--name (?<name>[^ ]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Named();
}
