using System.Text;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>What aspirate's templates and the overlay make of the manifest.</summary>
public sealed class AspirateTests(Charts charts) : IDisposable
{
    // Who may talk to whom is not in a template's data.
    private static readonly Policy[] s_withoutNetworks =
        [.. Policy.All.Where(policy => !policy.Name.StartsWith("networks", StringComparison.Ordinal))];

    private readonly AspirateFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Composition_keeps_the_policies_of_the_chart()
    {
        var objects = await ComposedAsync();

        Assert.Empty(Policy.AllViolations(objects, Expected()));
    }

    [Fact]
    public async Task Composition_fits_the_schemas_of_its_kinds()
    {
        var schemas = SchemaValidator.Find();
        Assert.SkipWhen(schemas is null, "../shared/schemas, the schemas of Kubernetes 1.33 and of the operators, is not there.");
        var objects = await ComposedAsync();

        Assert.All(objects.All, each => Assert.True(schemas!.Knows(each), $"{each} has no schema"));
        Assert.Empty(objects.All.SelectMany(schemas!.Errors));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Generated_objects_keep_the_policies_without_the_overlay(bool applying)
    {
        var objects = await _files.ComposeAsync(AspirateFiles.ManifestWith(AspirateFiles.Secrets), overlay: false, applying);

        Assert.Empty(s_withoutNetworks.SelectMany(policy => policy.Violations(objects, Expected())));
        string[] expected = Repository.HasDashboard
            ? ["api", "postgres", "redis", "web", "worker"]
            : ["api", "postgres", "redis", "worker"];
        Assert.Equal(expected, objects.Pods.Select(pods => pods.Component).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_variable_is_in_a_secret_and_none_in_a_config_map(bool applying)
    {
        var objects = await _files.ComposeAsync(AspirateFiles.ManifestWith(AspirateFiles.Secrets), overlay: false, applying);

        Assert.Empty(objects.OfKind("ConfigMap"));
        Assert.Equal(AspirateFiles.Secrets["api-key-pepper"], Variable(objects, "api", "Auth__ApiKeyPepper"));
        Assert.Equal(AspirateFiles.Secrets["jwt-signing-key"], Variable(objects, "api", "Auth__JwtSigningKey"));
        Assert.Equal(AspirateFiles.Secrets["postgres-password"], Variable(objects, "postgres", "POSTGRES_PASSWORD"));
        Assert.Equal("inference", Variable(objects, "postgres", "POSTGRES_DB")); // the one that the connections name
        Assert.Equal(
            $"Host=postgres;Port=5432;Username=postgres;Password={AspirateFiles.Secrets["postgres-password"]};Database=inference",
            Variable(objects, "api", "ConnectionStrings__inference"));
        Assert.Equal(
            $"redis:6379,password={AspirateFiles.Secrets["redis-password"]}", Variable(objects, "worker", "ConnectionStrings__redis"));
        if (Repository.HasDashboard)
        {
            Assert.Equal("http://api:8080", Variable(objects, "web", "services__api__http__0"));
        }
    }

    [Fact]
    public async Task Secrets_of_aspirate_itself_cannot_be_composed_by_kubectl()
    {
        var manifest = AspirateFiles.ManifestWith(AspirateFiles.Secrets);
        new Generation(manifest, _files.Generated, disableSecrets: false, AspirateFiles.Folder).Write("inference-template");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => AspirateFiles.KustomizeAsync(_files.Generated));

        Assert.Contains(".postgres.secrets: no such file or directory", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_variable_has_a_placeholder_that_aspirate_does_not_know()
    {
        var objects = await _files.ComposeAsync(AspirateFiles.ManifestWith(AspirateFiles.Secrets), overlay: false);

        var values = objects.OfKind("Secret").SelectMany(secret => secret.Json.Entries("data")).ToList();
        Assert.NotEmpty(values);
        Assert.All(values, entry => Assert.DoesNotContain('{', Encoding.UTF8.GetString(Convert.FromBase64String(entry.Value))));
    }

    [Theory]
    [InlineData("""it's "quoted" = & < > \ $HOME `tick` #no: comment""")]
    [InlineData("\"wholly quoted\"")]
    [InlineData("'wholly quoted'")]
    [InlineData(" spaces around ")]
    [InlineData("true")]
    public async Task Value_arrives_as_it_was_given(string value)
    {
        var manifest = AspirateFiles.ManifestWith(AspirateFiles.Secrets);
        manifest["resources"]!["api"]!["env"]!["Strange__Value"] = value;

        Assert.Equal(value, Variable(await _files.ComposeAsync(manifest, overlay: false), "api", "Strange__Value"));
    }

    [Fact]
    public async Task Changed_secret_gives_the_pods_that_read_it_another_name_to_read()
    {
        var before = await _files.ComposeAsync(AspirateFiles.ManifestWith(AspirateFiles.Secrets), overlay: false);
        using var again = new AspirateFiles();
        var changed = AspirateFiles.Secrets.ToDictionary();
        changed["jwt-signing-key"] = "another" + changed["jwt-signing-key"];
        var after = await again.ComposeAsync(AspirateFiles.ManifestWith(changed), overlay: false);

        var components = before.Pods.Select(pods => pods.Component);
        Assert.Equal(["api"], components.Where(component => SecretOf(before, component).Name != SecretOf(after, component).Name));
    }

    [Fact]
    public async Task Cluster_gets_the_secrets_that_the_manifest_does_not_know()
    {
        var objects = await ComposedAsync();
        var reader = Assert.Single(Assert.Single(objects.OfKind("TriggerAuthentication")).Spec.Items("secretTargetRef"));

        Assert.Equal(SecretOf(objects, "api").Name, reader.Text("name"));
        Assert.Equal(AspirateFiles.Secrets["scaling-token"], Variable(objects, "api", reader.Text("key")));
        if (Repository.HasDashboard)
        {
            Assert.Equal(AspirateFiles.Secrets["data-protection-secret"], Variable(objects, "web", "DataProtection__Secret"));
        }
    }

    [Fact]
    public async Task Scaler_asks_the_service_of_the_api_in_its_namespace()
    {
        var objects = await ComposedAsync();
        var url = new Uri(Assert.Single(Assert.Single(objects.OfKind("ScaledObject")).Spec.Items("triggers")).Text("metadata", "url"));
        var service = objects.OfKind("Service").Single(each => each.Name == "api");

        Assert.Equal($"{service.Name}.{service.Json.Text("metadata", "namespace")}.svc.cluster.local", url.Host);
        Assert.Contains($"{url.Port}", service.Spec.Items("ports").Select(port => port.Text("port")));
    }

    [Theory]
    [InlineData("short")]
    [InlineData("with;semicolon;in;it;and;long;enough")]
    [InlineData("")]
    public async Task Secret_that_would_break_a_connection_string_is_refused(string value)
    {
        var secrets = AspirateFiles.Secrets.ToDictionary();
        secrets["redis-password"] = value;

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => _files.ManifestOfScriptAsync(secrets));

        Assert.Contains("redis-password has to be 24 or more letters and digits", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Overlay_has_the_sizes_of_the_production_chart()
    {
        var composed = await ComposedAsync();
        var chart = await charts.OfAsync("production");

        foreach (var pods in chart.Pods)
        {
            var ours = composed.Pods.Single(other => other.Component == pods.Component);
            Assert.Equal(Text(pods.Containers.Single().At("resources")), Text(ours.Containers.Single().At("resources")));
            Assert.Equal(pods.Spec.Number("terminationGracePeriodSeconds"), ours.Spec.Number("terminationGracePeriodSeconds"));
            Assert.Equal(Text(pods.Spec.At("nodeSelector")), Text(ours.Spec.At("nodeSelector")));
            Assert.Equal(Temporary(pods), Temporary(ours));
            var claimed = pods.Spec.Items("volumes")
                .Select(volume => volume.Text("persistentVolumeClaim", "claimName")).Where(name => name.Length > 0)
                .Select(name => chart.Find("PersistentVolumeClaim", name)!.Spec);
            var claims = ours.Owner.Spec.Items("volumeClaimTemplates").Select(claim => claim.At("spec"));
            Assert.Equal(claimed.Select(Storage), claims.Select(Storage));
        }

        foreach (var kind in new[] { "ResourceQuota", "LimitRange", "HorizontalPodAutoscaler" })
        {
            Assert.Equal(Text(Assert.Single(chart.OfKind(kind)).Spec), Text(Assert.Single(composed.OfKind(kind)).Spec));
        }
    }

    /// <summary>How much of its pod a worker uses: one that writes more than its disk is evicted.</summary>
    [Theory]
    [InlineData("Worker__CacheBytes")]
    [InlineData("Inspection__MemoryBytes")]
    public async Task Overlay_has_the_bounds_of_the_production_worker(string name) => Assert.Equal(
        (await charts.OfAsync("production")).Entry("worker-config", name),
        (await ComposedAsync()).Container("worker").Items("env").Single(variable => variable.Text("name") == name).Text("value"));

    [Fact]
    public async Task Overlay_has_room_for_the_connections_of_all_pods_as_the_production_chart_has()
    {
        var composed = await ComposedAsync();
        var chart = await charts.OfAsync("production");

        Assert.Equal(
            chart.Container("postgres").Items("args").Select(each => each.ToString()),
            composed.Container("postgres").Items("args").Select(each => each.ToString()));
        Assert.Equal(
            new Npgsql.NpgsqlConnectionStringBuilder(chart.Entry("worker-secrets", "ConnectionStrings__inference")).MaxPoolSize,
            new Npgsql.NpgsqlConnectionStringBuilder(Variable(composed, "worker", "ConnectionStrings__inference")).MaxPoolSize);
    }

    [Fact]
    public async Task Overlay_has_the_ingresses_of_the_production_chart()
    {
        var composed = await ComposedAsync();

        foreach (var ingress in (await charts.OfAsync("production")).OfKind("Ingress"))
        {
            var ours = composed.Find("Ingress", ingress.Name)!;
            Assert.Equal(Said(ingress), Said(ours));
            Assert.Equal(Paths(ingress), Paths(ours));
        }

        static IEnumerable<string> Said(KubernetesObject ingress) => ingress.Json.Entries("metadata", "annotations")
            .Select(annotation => $"{annotation.Key}: {annotation.Value}").Order(StringComparer.Ordinal);
        static IEnumerable<string> Paths(KubernetesObject ingress) =>
            ingress.Spec.Items("rules").SelectMany(rule => rule.Items("http", "paths")).Select(path => path.Text("path"));
    }

    [Fact]
    public async Task Dashboard_of_aspire_keeps_the_policies_too()
    {
        var objects = await _files.ComposeAsync(AspirateFiles.ManifestWith(AspirateFiles.Secrets), overlay: false, dashboard: true);

        Assert.Contains(objects.Pods, pods => pods.Component == "aspire-dashboard");
        Assert.Empty(s_withoutNetworks.SelectMany(policy => policy.Violations(objects, Expected())));
    }

    [Fact]
    public void Aspirate_finds_each_template_that_it_needs()
    {
        var settings = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "AppHost", "aspirate.json")));
        var folder = Path.Combine(Repository.Root, "AppHost", settings.Text("TemplatePath"));

        // ManifestWriter's list: with a folder of one's own, none is taken from elsewhere. The one for Dapr is left out.
        string[] names = ["dashboard.hbs", "deployment.hbs", "kustomization.hbs", "namespace.hbs", "service.hbs", "statefulset.hbs"];
        Assert.Equal(names, Directory.GetFiles(folder, "*.hbs").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        var types = AspirateFiles.Manifest()["resources"]!.AsObject().Select(resource => resource.Value.Text("type"));
        Assert.DoesNotContain(types, type => type.StartsWith("dapr.", StringComparison.Ordinal));
    }

    private async Task<RenderedObjects> ComposedAsync() =>
        await _files.ComposeAsync(await _files.ManifestOfScriptAsync(AspirateFiles.Secrets), overlay: true);

    private static string Temporary(Pods pods) =>
        pods.Spec.Items("volumes").Single(volume => volume.Text("name") == "tmp").Text("emptyDir", "sizeLimit");

    private static string Storage(JsonNode? claim) => claim.Text("resources", "requests", "storage");

    private static Expectations Expected() => ChartTests.Expected("") with { SecretValues = [.. AspirateFiles.Secrets.Values] };

    private static KubernetesObject SecretOf(RenderedObjects objects, string component) =>
        objects.OfKind("Secret").Single(secret => secret.Name.StartsWith($"{component}-env-", StringComparison.Ordinal));

    /// <summary>A variable of a container, whose Secrets are read as a cluster does.</summary>
    private static string Variable(RenderedObjects objects, string component, string name)
    {
        var read = objects.Pods.Single(pods => pods.Component == component).Containers.Single().Items("envFrom")
            .Select(from => objects.Find("Secret", from.Text("secretRef", "name"))!)
            .Single(secret => secret.Json.Entries("data").ContainsKey(name));
        return Encoding.UTF8.GetString(Convert.FromBase64String(read.Json.Text("data", name)));
    }

    // Members in order, so that only contents count.
    private static string Text(JsonNode? node) => node switch
    {
        JsonObject members => string.Join(
            ',', members.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => $"{member.Key}:{{{Text(member.Value)}}}")),
        JsonArray items => $"[{string.Join(',', items.Select(Text))}]",
        _ => node?.ToString() ?? "",
    };
}
