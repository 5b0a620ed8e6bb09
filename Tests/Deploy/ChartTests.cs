using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>What holds for every chart: those that are checked in, and those of the other switches.</summary>
public sealed class ChartTests(Charts charts)
{
    // Kinds whose schemas their makers do not publish in the form that is compared here.
    private static readonly string[] s_unknown = ["PeerAuthentication", "VerticalPodAutoscaler"];

    private static readonly Dictionary<string, string> s_component = new()
    {
        ["app.kubernetes.io/name"] = "inference-template",
        ["app.kubernetes.io/instance"] = "inference-template",
        ["app.kubernetes.io/component"] = "backup",
    };

    public static TheoryData<string> Names => [.. Charts.CheckedIn.Keys];

    public static TheoryData<string> Switches =>
    [
        .. Charts.CheckedIn.Values.Select(switches => string.Join(' ', switches)),
        "--Deploy:Mesh=linkerd --Deploy:Recommendations=true --Deploy:Gpu=spot",
        "--Deploy:Mesh=istio --Deploy:Tls=true --Deploy:StorageClass=fast",
        "--Deploy:Database=cloudnativepg",
        "--Deploy:Secrets=existing",
        "--Deploy:Database=cloudnativepg --Deploy:Redis=managed --Deploy:Secrets=external --Deploy:Environment=development",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Checked_in_chart_is_the_one_that_the_topology_gives(string name)
    {
        var published = Files(await charts.PublishAsync(string.Join(' ', Charts.CheckedIn[name])));
        var checkedIn = Files(Path.Combine(Charts.Folder, name));

        var differing = published.Keys.Union(checkedIn.Keys).Where(file => published.GetValueOrDefault(file) != checkedIn.GetValueOrDefault(file)).Order(StringComparer.Ordinal);
        Assert.True(!differing.Any(), $"deploy/kubernetes/{name} differs from the topology in {string.Join(", ", differing)}: run scripts/charts.sh");
    }

    [Fact]
    public void Every_chart_folder_is_listed()
    {
        var folders = Directory.GetDirectories(Charts.Folder).Where(folder => File.Exists(Path.Combine(folder, "Chart.yaml"))).Select(folder => Path.GetFileName(folder)!);

        Assert.Equal(Charts.CheckedIn.Keys.Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Chart_passes_helm_lint(string name) =>
        Assert.Contains("0 chart(s) failed", await Tools.HelmAsync("lint", "--strict", Path.Combine(Charts.Folder, name)), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Switches))]
    public async Task Objects_fit_the_schemas_of_their_kinds(string switches)
    {
        if (SchemaValidator.Find() is not { } schemas)
        {
            Assert.Skip("../shared/schemas, the schemas of Kubernetes 1.33 and of the operators, is not there.");
            return;
        }

        var objects = await charts.WithAsync(switches);

        Assert.Empty(objects.All.Where(each => !schemas.Knows(each)).Select(each => each.Kind).Except(s_unknown));
        Assert.Empty(objects.All.Where(schemas.Knows).SelectMany(schemas.Errors));
    }

    [Theory]
    [MemberData(nameof(Switches))]
    public async Task Objects_keep_the_policies(string switches)
    {
        var objects = await charts.WithAsync(switches);

        Assert.Empty(Policy.AllViolations(objects, Expected(switches)));
    }

    [Theory]
    [MemberData(nameof(Switches))]
    public async Task Secrets_are_not_written(string switches)
    {
        var chart = await charts.PublishAsync(switches);

        // A generated or default value would stand behind one of these keys.
        var values = YamlJson.Parse(await File.ReadAllTextAsync(Path.Combine(chart, "values.yaml"), TestContext.Current.CancellationToken)).Single();
        Assert.All(values["secrets"]!.AsObject(), resource => Assert.All(resource.Value.Entries(), entry => Assert.Equal("", entry.Value)));
    }

    [Theory]
    [MemberData(nameof(Switches))]
    public async Task Objects_have_names_of_their_own(string switches)
    {
        var objects = await charts.WithAsync(switches);

        Assert.Equal(objects.All.Count, objects.All.Select(each => $"{each.ApiVersion} {each}").Distinct(StringComparer.Ordinal).Count());
    }

    internal static Expectations Expected(string switches)
    {
        bool Has(string what) => switches.Contains(what, StringComparison.Ordinal);
        string[] everything = [.. ExpectedEdges.Topology(), .. ExpectedEdges.Platform()];
        var edges = (Has("Database=managed"), Has("Redis=managed")) switch
        {
            (true, true) => ExpectedEdges.WithManagedServers(),
            (false, true) => [.. ExpectedEdges.WithManagedServers().Where(edge => !edge.Contains(":5432/", StringComparison.Ordinal)), .. everything.Where(edge => edge.Contains("-> postgres:", StringComparison.Ordinal))],
            _ => everything,
        };
        return new Expectations
        {
            Edges =
            [
                .. edges,
                .. Has("cloudnativepg") ? ExpectedEdges.OfOperator() : [],
                .. Has("linkerd") ? ExpectedEdges.OfLinkerd() : [],
                .. Has("istio") ? ExpectedEdges.OfIstio() : [],
            ],
            OutsideSecrets = !Has("Secrets=existing") ? new Dictionary<string, string[]>() : new Dictionary<string, string[]>
            {
                ["inference-secrets"] = ["admin-secret", "api-key-pepper", "jwt-signing-key", "postgres-password", "redis-password", "scaling-token", "data-protection-secret"],
                ["postgres-login"] = ["username", "password"],
            },
            OutsidePods = new Dictionary<string, IReadOnlyDictionary<string, string>>
            {
                ["backup"] = s_component,
                ["certificate solver"] = new Dictionary<string, string> { ["acme.cert-manager.io/http01-solver"] = "true" },
            },
            SecretValues = [Charts.Secret],
        };
    }

    private static Dictionary<string, string> Files(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllText, StringComparer.Ordinal);
}
