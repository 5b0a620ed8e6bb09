using System.Globalization;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>A value that is wrong is refused by its name, and one that is odd arrives as it was given.</summary>
public sealed class ValuesTests(Charts charts)
{
    public static TheoryData<string> Secrets => [.. Charts.Secrets.Where(name => !IsOfManaged(name))];

    public static TheoryData<string> SecretsOfManaged => [.. Charts.Secrets.Where(IsOfManaged)];

    [Theory]
    [InlineData("databas=managed", "databas")] // unknown
    [InlineData("secrets.admin=abc", "admin")]
    [InlineData("database=mysql", "database")] // none of the choices
    [InlineData("redis=cloudnativepg", "redis")] // runs Postgres only
    [InlineData("mesh=consul", "mesh")]
    [InlineData("secretSource=vault", "secretSource")]
    [InlineData("gpu=a100", "gpu")]
    [InlineData("tls=on", "tls")] // of another type
    [InlineData("replicas.api.max=many", "replicas.api.max")]
    [InlineData("replicas.api.min=0", "replicas.api.min")] // out of range
    [InlineData("sizes.worker.memory=16GB", "sizes.worker.memory")] // no quantity
    [InlineData("sizes.api.cpu=half", "sizes.api.cpu")]
    [InlineData("disks.postgres=big", "disks.postgres")]
    [InlineData("hosts.api=api_example", "hosts.api")]
    [InlineData("otlpEndpoint=collector", "otlpEndpoint")] // no port
    public async Task Wrong_value_is_refused_by_its_name(string value, string key)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => charts.HelmAsync($"production {value}", Charts.Given()));

        Assert.Contains("values don't meet the specifications of the schema", failure.Message, StringComparison.Ordinal);
        Assert.Contains(key, failure.Message[failure.Message.IndexOf("schema", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void Every_value_has_a_rule_and_no_mapping_takes_another()
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Charts.Folder, "values.schema.json")))!;
        IEnumerable<string> Errors(JsonNode values) =>
            new SchemaCheck(_ => schema, strict: true).Errors(values, schema, "values.schema.json", "values");
        var values = Charts.Values();
        Assert.Empty(Errors(values));
        Assert.All(Charts.Environments, environment => Assert.Empty(Errors(Merged(values, Charts.Values(environment)))));

        var loose = Places(values, []).Where(place =>
        {
            var broken = values.DeepClone();
            var parent = (JsonObject)broken.At(place[..^1])!;
            parent[place[^1]] = new JsonArray(new JsonArray()); // nothing has the type of a list of lists
            return !Errors(broken).Any();
        });
        Assert.Empty(loose.Select(place => string.Join('.', place)));

        var open = Places(values, []).Select(place => place[..^1]).DistinctBy(place => string.Join('.', place)).Where(place =>
        {
            var broken = values.DeepClone();
            ((JsonObject)broken.At(place)!)["unheardOf"] = "x";
            return !Errors(broken).Any();
        });
        Assert.Empty(open.Select(place => string.Join('.', place)));
    }

    [Fact]
    public void Environments_set_only_what_values_yaml_has()
    {
        var known = Places(Charts.Values(), []).Select(place => string.Join('.', place)).ToHashSet(StringComparer.Ordinal);

        Assert.All(Charts.Environments, environment =>
            Assert.Empty(Places(Charts.Values(environment), []).Select(place => string.Join('.', place)).Except(known)));
    }

    [Fact]
    public void Every_value_is_explained()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));

        Assert.All(Charts.Values(), value => Assert.Matches($@"\| (`[^|]*)?`{value.Key}[`.]", document));
    }

    [Fact]
    public void Secrets_have_no_values() => Assert.All(Charts.Values()["secrets"].Entries(), entry => Assert.Equal("", entry.Value));

    [Theory]
    [MemberData(nameof(Secrets))]
    public Task Secret_that_was_not_given_is_named(string name) => NamesAsync("production", name);

    [Theory]
    [MemberData(nameof(SecretsOfManaged))]
    public Task Connection_that_was_not_given_is_named(string name) => NamesAsync("production database=managed redis=managed", name);

    [Theory]
    [InlineData("""a"b'c: #{""")]
    [InlineData("""back\slash {{ .Values.hosts.api }} $(HOME) %20""")]
    [InlineData("- *anchor &x !tag |")]
    [InlineData("12345678901234567890")] // no number
    [InlineData("true")]
    public async Task Secret_arrives_as_it_was_given(string odd)
    {
        var objects = RenderedObjects.Parse(await charts.HelmAsync("production", Charts.Given(_ => odd)));

        var entries = objects.OfKind("Secret").SelectMany(secret => secret.Json.At("stringData")!.AsObject()).ToList();
        var others = entries.Where(entry => !entry.Key.StartsWith("ConnectionStrings__", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(others);
        Assert.All(others, entry => Assert.Equal(odd, entry.Value!.GetValue<string>()));
        var database = new Npgsql.NpgsqlConnectionStringBuilder(objects.Entry("api-secrets", "ConnectionStrings__inference"));
        Assert.Equal(odd, database.Password);
        Assert.Contains($",password={odd}", objects.Entry("api-secrets", "ConnectionStrings__redis"), StringComparison.Ordinal);
    }

    // Fields of Kubernetes' types can't hold the text of a template, so what is written there is the chart writer's own work.
    [Fact]
    public async Task Numbers_arrive_as_numbers()
    {
        var objects = await charts.OfAsync(
            "production replicas.api.min=4 replicas.api.max=44 replicas.worker.min=3 replicas.worker.max=33 replicas.worker.waiting=17 replicas.database=5"
            + (Repository.HasDashboard ? " replicas.web=6" : "")
            + " database=cloudnativepg managedPorts.redis=6380 redis=managed");
        var (api, worker) = (objects.Find("HorizontalPodAutoscaler", "api-hpa")!.Spec, objects.Find("ScaledObject", "worker-scaler")!.Spec);

        Assert.Equal((4, 44), (api.Number("minReplicas"), api.Number("maxReplicas")));
        Assert.Equal((3, 33), (worker.Number("minReplicaCount"), worker.Number("maxReplicaCount")));
        Assert.Equal("17", worker.Items("triggers").Single().At("metadata", "targetValue")!.GetValue<string>()); // a text in this place
        Assert.Equal(5, objects.OfKind("Cluster").Single().Spec.Number("instances"));
        if (Repository.HasDashboard)
        {
            Assert.Equal(6, objects.Find("Deployment", "web-deployment")!.Spec.Number("replicas"));
        }

        var ports = objects.Find("NetworkPolicy", "api-network")!.Spec.Items("egress").SelectMany(rule => rule.Items("ports"));
        Assert.Contains(ports, port => port.Number("port") == 6380);
    }

    [Fact]
    public async Task Sizes_arrive_as_the_amounts_that_were_given()
    {
        var objects = await charts.OfAsync(
            "production sizes.worker.memory=3000Mi sizes.worker.cpu=1500m disks.models=7Gi disks.postgres=2048Gi");
        var worker = objects.Container("worker");

        Assert.Equal(Quantity.Parse("3000Mi"), Quantity.Parse(worker.Text("resources", "limits", "memory")));
        Assert.Equal(1.5m, Quantity.Parse(worker.Text("resources", "requests", "cpu")));
        Assert.Equal("2048Gi", objects.Find("PersistentVolumeClaim", "postgres-data")!.Spec.Text("resources", "requests", "storage"));
        Assert.InRange(
            decimal.Parse(objects.Entry("worker-config", "Worker__CacheBytes"), CultureInfo.InvariantCulture), 1, Quantity.Parse("7Gi"));
    }

    private async Task NamesAsync(string wanted, string name)
    {
        var given = Charts.Given(each => each == name ? "" : "given");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => charts.HelmAsync(wanted, given));

        Assert.Contains($"secrets.{name} is not set", failure.Message, StringComparison.Ordinal);
    }

    private static bool IsOfManaged(string name) => name.EndsWith("Connection", StringComparison.Ordinal);

    private static JsonObject Merged(JsonObject values, JsonObject over)
    {
        var merged = (JsonObject)values.DeepClone();
        foreach (var (key, value) in over)
        {
            merged[key] = value is JsonObject inner && merged[key] is JsonObject outer ? Merged(outer, inner) : value?.DeepClone();
        }

        return merged;
    }

    private static IEnumerable<string[]> Places(JsonNode? node, string[] place) =>
        node is JsonObject { Count: > 0 } members ? members.SelectMany(member => Places(member.Value, [.. place, member.Key])) : [place];
}
