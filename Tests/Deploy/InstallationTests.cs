using System.Globalization;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>What a cluster and an installation may ask of the chart beside its switches.</summary>
public sealed class InstallationTests(Charts charts)
{
    private const string Placed = """
        {
          "labels": { "azure.workload.identity/use": "true", "team": "vision" },
          "annotations": { "example.com/note": "a: b # \"c\"" },
          "nodeSelector": { "pool": "inference" },
          "tolerations": [ { "key": "dedicated", "operator": "Equal", "value": "inference", "effect": "NoSchedule" } ],
          "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 1, "preference": { "matchExpressions": [ { "key": "arch", "operator": "In", "values": [ "amd64" ] } ] } } ] } },
          "priorityClass": "serving",
          "serviceAccountAnnotations": { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/models" }
        }
        """;

    private static string[] Services => Repository.HasDashboard ? ["api", "worker", "web"] : ["api", "worker"];

    [Theory]
    [InlineData("production backups.enabled=true backups.recipient=key")]
    [InlineData("development mesh=istio")]
    [InlineData("staging database=cloudnativepg mesh=linkerd")]
    public async Task Pods_go_where_the_cluster_wants_them_and_carry_what_it_asks_for(string wanted)
    {
        var values = Charts.Given();
        var components = Charts.Values()["pods"]!.AsObject().Select(each => each.Key);
        values["pods"] = new JsonObject(components.Select(name => KeyValuePair.Create(name, JsonNode.Parse(Placed))));

        var objects = RenderedObjects.Parse(await charts.HelmAsync(wanted, values));

        Assert.Empty(Policy.AllViolations(objects, ChartTests.Expected(wanted)));
        if (SchemaValidator.Find() is { } schemas)
        {
            Assert.Empty(objects.All.Where(schemas.Knows).SelectMany(schemas.Errors));
        }

        foreach (var pods in objects.Pods)
        {
            var (meta, spec) = (pods.Template.At("metadata"), pods.Owner.Kind == "Cluster" ? pods.Owner.Spec.At("affinity") : pods.Spec);
            Assert.Equal("vision", meta.Entries("labels")["team"]);
            Assert.Equal("inference", spec.Text("nodeSelector", "pool"));
            Assert.Contains(spec.Items("tolerations"), each => each.Text("key") == "dedicated");
            Assert.Equal("serving", (pods.Owner.Kind == "Cluster" ? pods.Owner.Spec : pods.Spec).Text("priorityClassName"));
            if (pods.Owner.Kind != "Cluster")
            {
                Assert.Single(pods.Spec.Items("affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"));
            }
        }

        Assert.Equal("a: b # \"c\"", objects.PodsOf("api").Template.Entries("metadata", "annotations")["example.com/note"]);
        Assert.All(objects.OfKind("ServiceAccount"), account =>
            Assert.Contains("eks.amazonaws.com/role-arn", account.Json.Entries("metadata", "annotations").Keys));
        Assert.Equal(wanted.StartsWith("development", StringComparison.Ordinal) ? "" : "true",
            objects.PodsOf("worker").Spec.Text("nodeSelector", "nvidia.com/gpu.present"));
    }

    [Theory]
    [InlineData("pods.api.labels.app\\.kubernetes\\.io/component=web", "pods.api.labels")] // by which policies select
    [InlineData("pods.worker.annotations.checksum/config=x", "pods.worker.annotations")]
    [InlineData("settings.api.Queue__MaxDepth=5", "settings.api.Queue__MaxDepth")] // no text: 1e9 would arrive as 1e+09
    [InlineData("settings.api.A-B=true", "settings.api")]
    [InlineData("secrets.inferenceConnection=postgresql://a:b@c/d", "secrets.inferenceConnection")] // Npgsql reads no address
    [InlineData("secrets.redisConnection=rediss://c:6380", "secrets.redisConnection")]
    [InlineData("secrets.redisPassword=a\\,b", "secrets.redisPassword")] // ends there for StackExchange.Redis
    [InlineData("replicas.api.min=51", "replicas.api.min is more than replicas.api.max")]
    [InlineData("replicas.worker.max=1", "replicas.worker.min is more than replicas.worker.max")]
    [InlineData("sizes.redis.cpu=2001m", "sizes.redis.cpu is more than sizes.redis.cpuLimit")]
    [InlineData("autoscaling=false replicas.worker.min=0", "nothing would start a worker")]
    public async Task What_can_not_work_is_refused(string value, string said)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => charts.HelmAsync($"production {value}", Charts.Given()));

        Assert.Contains(said, failure.Message[failure.Message.IndexOf("rror", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_reach_the_service_after_those_of_the_topology_and_their_change_rolls_its_pods()
    {
        async Task<RenderedObjects> WithAsync(string depth)
        {
            var values = Charts.Given();
            values["settings"] = new JsonObject
            {
                ["api"] = new JsonObject { ["Queue__MaxDepth"] = depth, ["Artifacts__Store"] = "s3" },
            };
            values["settingsSecrets"] = new JsonObject { ["api"] = "storage-login" };
            return RenderedObjects.Parse(await charts.HelmAsync("production", values));
        }

        var (objects, others) = (await WithAsync("1000000000"), await WithAsync("2000"));

        Assert.Equal("1000000000", objects.Entry("api-settings", "Queue__MaxDepth"));
        var sources = objects.Container("api").Items("envFrom")
            .Select(from => from.Text("configMapRef", "name") + from.Text("secretRef", "name"));
        Assert.Equal(["api-config", "api-secrets", "api-settings", "storage-login"], sources);
        Assert.Null(objects.Find("ConfigMap", "worker-settings"));
        Assert.NotEqual(Checksum(objects), Checksum(others));

        static string Checksum(RenderedObjects objects) =>
            objects.PodsOf("api").Template.Entries("metadata", "annotations")["checksum/settings"];
    }

    [Fact]
    public async Task Managed_servers_are_known_by_the_authority_that_is_given()
    {
        var objects = await charts.OfAsync(
            "production database=managed redis=managed managedAuthorities.postgres=rds-ca managedAuthorities.redis=cache-ca");

        foreach (var service in new[] { "api", "worker" })
        {
            var connection = new NpgsqlConnectionStringBuilder(
                objects.Entry($"{service}-secrets", "ConnectionStrings__inference").Split(';', 2)[1]);
            Assert.Equal((SslMode.VerifyFull, "/authorities/postgres/ca.crt"), (connection.SslMode, connection.RootCertificate));
            Assert.StartsWith("/authorities/redis:", objects.Entry($"{service}-config", "SSL_CERT_DIR"), StringComparison.Ordinal);
            var volumes = objects.PodsOf(service).Spec.Items("volumes").ToDictionary(
                each => each.Text("name"), each => each.Text("secret", "secretName"));
            Assert.Equal(("rds-ca", "cache-ca"), (volumes["postgres-authority"], volumes["redis-authority"]));
        }
    }

    [Fact]
    public async Task Replicas_are_fixed_where_nothing_scales()
    {
        var objects = await charts.OfAsync("production autoscaling=false");

        Assert.Empty(objects.OfKind("HorizontalPodAutoscaler", "ScaledObject", "TriggerAuthentication"));
        Assert.Equal((3, 2), (Replicas("api"), Replicas("worker")));
        Assert.Null((await charts.OfAsync("production")).PodsOf("api").Owner.Spec.Number("replicas"));

        long? Replicas(string service) => objects.PodsOf(service).Owner.Spec.Number("replicas");
    }

    [Fact]
    public async Task Ingresses_may_be_anothers_or_have_annotations_and_certificates_of_their_own()
    {
        Assert.Empty((await charts.OfAsync("production ingresses=false")).OfKind("Ingress"));
        var ingresses = (await charts.OfAsync(
            "production ingressClass=traefik clusterIssuer= ingressAnnotations.traefik\\.io/router=x")).OfKind("Ingress").ToList();

        Assert.NotEmpty(ingresses);
        Assert.All(ingresses, ingress =>
        {
            var annotations = ingress.Json.Entries("metadata", "annotations");
            Assert.Equal("x", annotations["traefik.io/router"]);
            Assert.DoesNotContain("cert-manager.io/cluster-issuer", annotations.Keys);
        });
    }

    [Fact]
    public async Task Telemetry_goes_nowhere_where_no_collector_is_named()
    {
        var objects = await charts.OfAsync("production otlpEndpoint=");

        Assert.All(Services, service => Assert.DoesNotContain(
            "OTEL_EXPORTER_OTLP_ENDPOINT", objects.Find("ConfigMap", $"{service}-config")!.Json.Entries("data").Keys));
        Assert.DoesNotContain("observability", objects.Find("NetworkPolicy", "api-network")!.Json.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Object_storage_is_reached_at_its_port()
    {
        var objects = await charts.OfAsync("production managedPorts.storage=9000");

        Assert.All(new[] { "api", "worker" }, service => Assert.Contains(
            objects.Find("NetworkPolicy", $"{service}-network")!.Spec.Items("egress").SelectMany(rule => rule.Items("ports")),
            port => port.Number("port") == 9000));
    }

    /// <summary>Istio encrypts to addresses that a Service without one of its own has, and calls the others as they are.</summary>
    [Fact]
    public async Task Direct_calls_are_known_to_a_mesh_that_refuses_plain_ones()
    {
        var service = (await charts.OfAsync("production mesh=istio")).Find("Service", "worker-direct")!.Spec;

        Assert.Equal("None", service.Text("clusterIP"));
        var port = Assert.Single(service.Items("ports"));
        Assert.Equal((8081, "tcp"), (port.Number("port"), port.Text("appProtocol")));
        Assert.Null((await charts.OfAsync("production")).Find("Service", "worker-direct"));

        // The worker speaks first, so that a proxy has nothing by which to tell a protocol.
        var linkerd = (await charts.OfAsync("production mesh=linkerd")).PodsOf("worker").Template.Entries("metadata", "annotations");
        Assert.Equal("8081", linkerd["config.linkerd.io/opaque-ports"]);
    }

    /// <summary>A proxy stands in each pod, which the quota counts as it counts the pod's own container.</summary>
    [Theory]
    [InlineData("production", "istio")]
    [InlineData("development", "linkerd")]
    public async Task Quota_has_room_for_the_proxies_of_a_mesh(string environment, string mesh)
    {
        async Task<decimal> HardAsync(string wanted, string what) =>
            Quantity.Parse((await charts.OfAsync(wanted)).Find("ResourceQuota", "quota")!.Spec.At("hard").Text(what));
        var pods = await HardAsync(environment, "pods");

        foreach (var (what, each) in new[] { ("requests.cpu", 0.1m), ("limits.cpu", 2m), ("limits.memory", 1024m * 1024 * 1024) })
        {
            var more = await HardAsync($"{environment} mesh={mesh}", what) - await HardAsync(environment, what);
            Assert.Equal(pods * each, more);
        }
    }

    [Theory]
    [InlineData("""it's;a "quote" and = more""")]
    [InlineData(" spaces around ")]
    [InlineData("'quoted'")]
    [InlineData("{curly} %s $(X) \\ ü")]
    [InlineData("plain-1.2_3~4")]
    public async Task Connection_string_has_the_password_that_was_given(string password)
    {
        foreach (var database in new[] { "incluster", "cloudnativepg" })
        {
            var given = Charts.Given(name => name == "postgresPassword" ? password : Charts.Secret);
            var objects = RenderedObjects.Parse(await charts.HelmAsync($"production database={database}", given));

            var connection = new NpgsqlConnectionStringBuilder(objects.Entry("api-secrets", "ConnectionStrings__inference"));
            Assert.Equal((password, "inference", 20), (connection.Password, connection.Database, connection.MaxPoolSize));
        }
    }

    /// <summary>The chart's own command, with a real Redis.</summary>
    [Fact]
    public async Task Redis_takes_a_password_that_a_shell_would_split()
    {
        const string Password = "two words *;|&' \"";
        await using var server = new OwnServer();
        var container = (await charts.OfAsync("production")).Container("redis");
        string[] command = [.. container.Items("command").Concat(container.Items("args")).Select(word => word.ToString())];
        command[^1] += string.Create(CultureInfo.InvariantCulture, $" --port {server.Port} --dir {server.Folder}");
        await server.StartContainerAsync("Ready to accept connections", [$"REDIS_PASSWORD={Password}"], command);

        var said = await Scripts.Tool.RunAsync(
            "redis-cli", ["-p", server.Port.ToString(CultureInfo.InvariantCulture), "ping"],
            new Dictionary<string, string?> { ["REDISCLI_AUTH"] = Password });

        Assert.Equal("PONG", said.Output.Trim());
    }
}
