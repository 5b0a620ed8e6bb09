using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Schemas;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>What holds for the chart in each environment, with each switch by itself, and with switches that meet.</summary>
public sealed partial class ChartTests(Charts charts)
{
    // Kinds whose schemas their makers do not publish in the form that is compared here.
    private static readonly string[] s_unknown = ["PeerAuthentication", "VerticalPodAutoscaler"];

    private const string Backups = "backups.enabled=true backups.recipient=key";

    private static readonly string[] s_switches =
    [
        "database=managed", "database=cloudnativepg", "redis=managed", "secretSource=existing", "secretSource=external",
        "tls=true", "mesh=linkerd", "mesh=istio",
        "gpu=none", "gpu=ondemand", "gpu=spot",
        "recommendations=true", "storageClass=fast", "monitoring=true", Backups,
        "imagePullSecret=registry", "imagePullSecret=registry database=cloudnativepg",
        "monitoring=true monitoringRelease=prometheus",
        "ingresses=false", "autoscaling=false replicas.worker.min=1", "otlpEndpoint=", "managedPorts.storage=9000",
        "database=managed redis=managed managedAuthorities.postgres=own-ca managedAuthorities.redis=own-ca",
    ];

    private static readonly Dictionary<string, string> s_backup = Beside("backup");
    private static readonly Dictionary<string, string> s_exporter = Beside("exporter");

    public static TheoryData<string> Environments => [.. Charts.Environments];

    public static TheoryData<string> Wanted =>
    [
        .. Charts.Environments,
        .. from environment in Charts.Environments from one in s_switches select $"{environment} {one}",
        "production database=managed redis=managed secretSource=external",
        "production database=cloudnativepg secretSource=existing tls=true",
        "production mesh=istio tls=true storageClass=fast",
        "production mesh=linkerd recommendations=true gpu=spot",
        "production database=cloudnativepg redis=managed monitoring=true",
        $"production database=cloudnativepg mesh=linkerd secretSource=existing {Backups}",
        $"production tls=true mesh=istio secretSource=external {Backups}",
        $"production database=managed {Backups}",
        "staging database=managed monitoring=true",
        "staging database=cloudnativepg redis=managed mesh=istio",
        "development database=cloudnativepg redis=managed secretSource=external",
        "development database=managed mesh=linkerd tls=true secretSource=existing",
    ];

    [Theory]
    [InlineData("publish")] // of 'aspire publish'
    [InlineData("helm-chart")] // of 'aspire do helm-chart'
    public async Task Checked_in_chart_is_the_one_that_the_topology_gives(string step)
    {
        var published = Files(await charts.PublishAsync(step));
        var checkedIn = Files(Charts.Folder);

        var differing = published.Except(checkedIn).Concat(checkedIn.Except(published)).Select(file => file.Key).Distinct().ToList();
        Assert.True(differing.Count == 0, $"deploy/helm differs from the topology in {string.Join(", ", differing)}: run scripts/chart.sh");
    }

    [Theory]
    [MemberData(nameof(Environments))]
    public async Task Chart_passes_helm_lint(string environment)
    {
        var values = Path.Combine(Charts.Folder, $"values.{environment}.yaml");

        var said = await Tools.HelmAsync("lint", "--strict", Charts.Folder, "--values", values);

        Assert.Contains("0 chart(s) failed", said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Wanted))]
    public async Task Objects_fit_the_schemas_of_their_kinds(string wanted)
    {
        if (SchemaValidator.Find() is not { } schemas)
        {
            Assert.Skip(SchemaValidator.Absent);
            return;
        }

        var objects = await charts.OfAsync(wanted);

        Assert.Empty(objects.All.Where(each => !schemas.Knows(each)).Select(each => each.Kind).Except(s_unknown));
        Assert.Empty(objects.All.Where(schemas.Knows).SelectMany(schemas.Errors));
    }

    [Theory]
    [MemberData(nameof(Wanted))]
    public async Task Objects_keep_the_policies(string wanted)
    {
        var objects = await charts.OfAsync(wanted);

        Assert.Empty(Policy.AllViolations(objects, Expected(wanted)));
    }

    /// <summary>All else that restricts them stays.</summary>
    [Fact]
    public async Task Pods_name_no_user_where_the_cluster_gives_them_one()
    {
        const string Installation = "production podUsers=cluster";

        var violations = Policy.AllViolations(await charts.OfAsync(Installation), Expected(Installation));

        Assert.NotEmpty(violations);
        Assert.All(violations, violation => Assert.EndsWith("names no user other than root", violation, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Wanted))]
    public async Task Objects_are_whole(string wanted)
    {
        var objects = await charts.OfAsync(wanted);

        // Two of one name: the later one would replace the other.
        Assert.Equal(objects.All.Count, objects.All.Select(each => $"{each.ApiVersion} {each}").Distinct(StringComparer.Ordinal).Count());
        Assert.All(objects.All, each =>
        {
            var text = each.Json.ToJsonString(s_readable);
            Assert.False(text.Contains(":null", StringComparison.Ordinal), $"{each} has a member without a value: {text}");
            Assert.DoesNotMatch(Unresolved(), text);
        });
    }

    internal static Expectations Expected(string wanted)
    {
        bool Has(string what) => wanted.Contains(what, StringComparison.Ordinal);
        string[] everything = [.. ExpectedEdges.Topology(), .. ExpectedEdges.Platform()];
        var managed = ExpectedEdges.WithManagedServers();
        bool IsPostgres(string edge) => edge.Contains(":5432/", StringComparison.Ordinal);
        var edges = (Has("database=managed"), Has("redis=managed")) switch
        {
            (true, true) => managed,
            (true, false) => [.. managed.Where(edge => !IsRedis(edge)), .. everything.Where(IsRedis)],
            (false, true) => [.. managed.Where(edge => !IsPostgres(edge)), .. everything.Where(IsPostgres)],
            _ => everything,
        };
        string[] servers = [.. Has("database=managed") ? [] : (string[])["postgres"], .. Has("redis=managed") ? [] : (string[])["redis"]];
        return new Expectations
        {
            Edges =
            [
                .. Has("otlpEndpoint=") ? edges.Where(edge => !edge.Contains("observability", StringComparison.Ordinal)) : edges,
                .. Has("storage=9000") ? ExpectedEdges.OfStorage() : [],
                .. Has("cloudnativepg") ? ExpectedEdges.OfOperator() : [],
                .. Has("linkerd") ? ExpectedEdges.OfLinkerd(servers) : [],
                .. Has("istio") ? ExpectedEdges.OfIstio(servers) : [],
                .. Has("monitoring") ? ExpectedEdges.OfExporters([.. new[] { "postgres", "redis" }.Except(servers)]) : [],
            ],
            OutsideSecrets = OutsideSecrets(Has("secretSource=existing"), Has("own-ca")),
            OutsidePods = OutsidePods(Has("monitoring")),
            SecretValues = [Charts.Secret],
        };

        static bool IsRedis(string edge) =>
            edge.Contains(":6379/", StringComparison.Ordinal) || edge.Contains(":10000/", StringComparison.Ordinal);
    }

    private static Dictionary<string, string[]> OutsideSecrets(bool all, bool authority)
    {
        var secrets = new Dictionary<string, string[]> { ["backup-identity"] = ["identity.asc"] };
        if (authority) secrets["own-ca"] = ["ca.crt"];
        if (all)
        {
            secrets["inference-secrets"] =
            [
                "admin-secret", "api-key-pepper", "direct-secret", "jwt-signing-key", "postgres-password", "redis-password",
                "scaling-token",
                "data-protection-secret", "inference-connection", "redis-connection",
            ];
            secrets["postgres-login"] = ["username", "password"];
        }

        return secrets;
    }

    private static Dictionary<string, IReadOnlyDictionary<string, string>> OutsidePods(bool exporters)
    {
        var pods = new Dictionary<string, IReadOnlyDictionary<string, string>>
        {
            ["backup"] = s_backup,
            ["certificate solver"] = new Dictionary<string, string> { ["acme.cert-manager.io/http01-solver"] = "true" },
        };
        if (exporters) pods["exporter"] = s_exporter;
        return pods;
    }

    private static Dictionary<string, string> Beside(string component) => new()
    {
        ["app.kubernetes.io/name"] = "inference-template",
        ["app.kubernetes.io/instance"] = "inference-template",
        ["app.kubernetes.io/component"] = component,
    };

    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static Dictionary<string, string> Files(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllText, StringComparer.Ordinal);

    // The manifest's expressions, and Go's word for nothing.
    [GeneratedRegex(
        @"(?<!\{)\{[\w-]+\.(value|bindings|connectionString|inputs|outputs)\b[^}]*\}|<no value>|map\[", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Unresolved();
}
