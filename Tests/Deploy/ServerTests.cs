using System.Globalization;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>Who runs Postgres and Redis, how they are reached, and where secrets come from.</summary>
public sealed class ServerTests(Charts charts)
{
    private const string Managed = "production database=managed redis=managed secretSource=external";

    [Fact]
    public async Task Managed_servers_leave_no_object_but_their_connections_with_tls()
    {
        var objects = await charts.OfAsync(Managed);

        Assert.DoesNotContain(objects.All, each => each.Name.StartsWith("postgres", StringComparison.Ordinal));
        Assert.DoesNotContain(objects.All, each => each.Name.StartsWith("redis", StringComparison.Ordinal));
        Assert.Empty(objects.OfKind("StatefulSet", "PersistentVolumeClaim"));
        foreach (var component in new[] { "api", "worker" })
        {
            var database = Variable(objects, component, "ConnectionStrings__inference");
            Assert.Equal("$(PARAMETER_INFERENCE_CONNECTION);Maximum Pool Size=20;SSL Mode=VerifyFull", database);
            Assert.Equal("$(PARAMETER_REDIS_CONNECTION),ssl=true", Variable(objects, component, "ConnectionStrings__redis"));
        }
    }

    [Fact]
    public async Task Variables_come_after_those_that_they_are_composed_of()
    {
        var objects = await charts.OfAsync("production secretSource=existing");

        foreach (var container in objects.Pods.SelectMany(pods => pods.Containers))
        {
            var known = new HashSet<string>(StringComparer.Ordinal);
            foreach (var variable in container.Items("env"))
            {
                var composedOf = variable.Text("value").Split("$(").Skip(1).Select(rest => rest.Split(')')[0]);
                Assert.All(composedOf, name => Assert.Contains(name, known));
                known.Add(variable.Text("name"));
            }
        }
    }

    [Theory]
    [InlineData("production secretSource=existing")]
    [InlineData(Managed)]
    public async Task Services_read_the_same_variables_whatever_their_source(string wanted)
    {
        var (chart, elsewhere) = (await charts.OfAsync("production"), await charts.OfAsync(wanted));
        foreach (var component in chart.Pods.Where(pods => pods.Owner.Kind == "Deployment").Select(pods => pods.Component))
        {
            var fromChart = chart.Find("Secret", $"{component}-secrets")!.Json.Entries("stringData").Keys;
            var fromElsewhere = elsewhere.Container(component).Items("env").Select(variable => variable.Text("name"))
                .Where(name => !name.StartsWith("PARAMETER_", StringComparison.Ordinal));

            Assert.Equal(fromChart.Order(StringComparer.Ordinal), fromElsewhere.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task External_secret_holds_what_pods_read_and_no_more()
    {
        var objects = await charts.OfAsync(Managed);
        var read = from pods in objects.Pods
                   from container in pods.Containers
                   from variable in container.Items("env")
                   select variable.Text("valueFrom", "secretKeyRef", "key") into key
                   where key.Length > 0
                   select key;

        var held = objects.Find("ExternalSecret", "inference-secrets")!.Spec.Items("data").Select(entry => entry.Text("secretKey"));
        Assert.Equal(read.Append("scaling-token").Distinct().Order(StringComparer.Ordinal), held.Order(StringComparer.Ordinal));
        Assert.Empty(objects.OfKind("Secret"));
    }

    [Fact]
    public async Task Operator_runs_as_many_instances_as_the_environment_says_in_several_zones()
    {
        var objects = await charts.OfAsync("production database=cloudnativepg secretSource=existing tls=true");
        var cluster = Assert.Single(objects.OfKind("Cluster")).Spec;

        Assert.Equal(3, cluster.Number("instances"));
        Assert.Equal("topology.kubernetes.io/zone", cluster.Text("affinity", "topologyKey"));
        Assert.Equal("1", cluster.Text("postgresql", "synchronous", "number"));
        Assert.Equal("false", cluster.Text("enableSuperuserAccess"));
        Assert.DoesNotContain(objects.Pods, pods => pods.Owner.Name == "postgres-statefulset");
        Assert.Equal(
            "Host=postgres-rw;Port=5432;Username=inference;Password=$(PARAMETER_POSTGRES_PASSWORD);Database=inference"
                + ";Maximum Pool Size=20;SSL Mode=VerifyFull;Root Certificate=/authorities/postgres/ca.crt",
            Variable(objects, "api", "ConnectionStrings__inference"));
    }

    [Theory]
    [InlineData("development")]
    [InlineData("staging")]
    [InlineData("production")]
    public async Task Postgres_makes_the_database_to_which_the_services_connect(string environment)
    {
        var objects = await charts.OfAsync(environment);
        var connection = new Npgsql.NpgsqlConnectionStringBuilder(objects.Entry("api-secrets", "ConnectionStrings__inference"));

        Assert.Equal(connection.Database, objects.Entry("postgres-config", "POSTGRES_DB"));
    }

    /// <summary>All pods at their most, and one more of each during an update, may fill their pools; others come beside.</summary>
    [Theory]
    [InlineData("development")]
    [InlineData("staging")]
    [InlineData("production")]
    [InlineData("production poolSize=40 replicas.api.max=70")]
    [InlineData("staging database=cloudnativepg")]
    [InlineData("production database=cloudnativepg")]
    public async Task Postgres_takes_all_connections_that_the_pods_may_open(string wanted)
    {
        var objects = await charts.OfAsync(wanted);

        var cluster = objects.OfKind("Cluster").SingleOrDefault();
        var most = cluster is not null
            ? cluster.Spec.Text("postgresql", "parameters", "max_connections")
            : objects.Container("postgres").Items("args").Select(argument => argument.ToString())
                .Single(argument => argument.StartsWith("max_connections=", StringComparison.Ordinal)).Split('=')[1];

        Assert.InRange(int.Parse(most, CultureInfo.InvariantCulture), Opened(objects) + 20, Opened(objects) + 100);
    }

    [Fact]
    public async Task Postgres_has_memory_for_its_parallel_queries_and_a_cache_that_fits()
    {
        var objects = await charts.OfAsync("production");
        var postgres = objects.PodsOf("postgres");
        var volume = postgres.Spec.Items("volumes").Single(each => each.Text("name") == "shm");

        Assert.Equal(("Memory", "1024Mi"), (volume.Text("emptyDir", "medium"), volume.Text("emptyDir", "sizeLimit")));
        var container = postgres.Containers.Single();
        Assert.Equal("/dev/shm", container.Items("volumeMounts").Single(each => each.Text("name") == "shm").Text("mountPath"));
        Assert.Contains("shared_buffers=2048MB", container.Items("args").Select(each => each.ToString()));
    }

    private static long Opened(RenderedObjects objects) =>
        Opened(objects, "api", objects.Find("HorizontalPodAutoscaler", "api-hpa")!.Spec.Number("maxReplicas")!.Value)
        + Opened(objects, "worker", objects.Find("ScaledObject", "worker-scaler")!.Spec.Number("maxReplicaCount")!.Value);

    private static long Opened(RenderedObjects objects, string service, long replicas) => (replicas + 1)
        * new Npgsql.NpgsqlConnectionStringBuilder(objects.Entry($"{service}-secrets", "ConnectionStrings__inference")).MaxPoolSize;

    [Fact]
    public async Task Single_instance_has_no_replica_to_wait_for()
    {
        var objects = await charts.OfAsync("development database=cloudnativepg redis=managed secretSource=external");

        Assert.Null(Assert.Single(objects.OfKind("Cluster")).Spec.At("postgresql", "synchronous"));
    }

    [Fact]
    public async Task Operator_takes_its_login_from_the_vault_untouched_by_helm()
    {
        var objects = await charts.OfAsync("development database=cloudnativepg redis=managed secretSource=external");

        var login = objects.Find("ExternalSecret", "postgres-login")!.Spec;
        Assert.Equal("{{ .password }}", login.Text("target", "template", "data", "password"));
    }

    [Fact]
    public async Task Servers_of_the_chart_speak_tls_where_it_is_switched_on()
    {
        var objects = await charts.OfAsync("production mesh=istio tls=true storageClass=fast");
        string Arguments(string component) => string.Join(' ', objects.Container(component).Items("args"));

        foreach (var pods in objects.Pods.Where(pods => pods.Containers.Any()))
        {
            var mounts = pods.Containers.SelectMany(container => container.Items("volumeMounts"));
            Assert.DoesNotContain(mounts, mount => mount.Text("subPath").Length > 0); // such a file never changes
        }

        Assert.Contains("ssl=on", Arguments("postgres"), StringComparison.Ordinal);
        Assert.Contains("--port 0 --tls-port 6379", Arguments("redis"), StringComparison.Ordinal);
        var database = objects.Entry("worker-secrets", "ConnectionStrings__inference");
        var redis = objects.Entry("worker-secrets", "ConnectionStrings__redis");
        Assert.EndsWith(";SSL Mode=VerifyFull;Root Certificate=/authorities/postgres/ca.crt", database, StringComparison.Ordinal);
        Assert.EndsWith(",ssl=true", redis, StringComparison.Ordinal);
        var names = objects.Find("Certificate", "postgres-tls")!.Spec.Items("dnsNames").Select(name => name.ToString());
        Assert.Equal(["postgres-service", "postgres-service.inference-template.svc"], names);
        Assert.All(objects.OfKind("PersistentVolumeClaim"), claim => Assert.Equal("fast", claim.Spec.Text("storageClassName")));
    }

    [Fact]
    public async Task Claims_outlive_the_release()
    {
        var claims = (await charts.OfAsync("production")).OfKind("PersistentVolumeClaim").ToList();

        Assert.Equal(
            ["postgres-data 200Gi", "redis-data 20Gi"],
            claims.Select(claim => $"{claim.Name} {claim.Spec.Text("resources", "requests", "storage")}"));
        Assert.All(claims, claim => Assert.Equal("keep", claim.Json.Text("metadata", "annotations", "helm.sh/resource-policy")));
    }

    [Theory]
    [InlineData("production mesh=istio tls=true", "STRICT")]
    [InlineData("production mesh=linkerd", "cluster-authenticated")]
    public async Task Mesh_refuses_plain_connections(string wanted, string word)
    {
        var objects = await charts.OfAsync(wanted);
        var said = objects.OfKind("PeerAuthentication").Select(each => each.Spec.Text("mtls", "mode"))
            .Concat(objects.Pods.Select(pods => pods.Template.Text("metadata", "annotations", "config.linkerd.io/default-inbound-policy")));

        Assert.Contains(word, said);
        Assert.All(objects.Pods, pods => Assert.True(
            pods.Labels.ContainsKey("sidecar.istio.io/inject")
            || pods.Template.Text("metadata", "annotations", "linkerd.io/inject") == "enabled"));
    }

    [Fact]
    public async Task Clients_reach_calls_only_and_a_browser_stays_with_its_replica()
    {
        var objects = await charts.OfAsync("production");

        if (Repository.HasDashboard)
        {
            var annotations = objects.Find("Ingress", "web-edge")!.Json.Entries("metadata", "annotations");
            Assert.Equal("cookie", annotations["nginx.ingress.kubernetes.io/affinity"]);
        }

        var paths = objects.Find("Ingress", "api-edge")!.Spec.Items("rules").SelectMany(rule => rule.Items("http", "paths"));
        Assert.Equal(["/v1", "/v2", "/mcp"], paths.Select(path => path.Text("path")));
    }

    [Fact]
    public async Task Ingress_refuses_no_body_that_the_Api_may_take_and_stores_none()
    {
        var annotations = (await charts.OfAsync("production")).Find("Ingress", "api-edge")!.Json.Entries("metadata", "annotations");

        Assert.Equal(("0", "off"),
            (annotations["nginx.ingress.kubernetes.io/proxy-body-size"],
                annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"]));
    }

    [Fact]
    public async Task Clients_reach_gRPC_by_tls_at_the_same_host_and_streams_have_no_end()
    {
        var objects = await charts.OfAsync("production");
        var (grpc, rest) = (objects.Find("Ingress", "api-grpc-edge")!, objects.Find("Ingress", "api-edge")!);

        var annotations = grpc.Json.Entries("metadata", "annotations");
        var path = grpc.Spec.Items("rules").Single().Items("http", "paths").First();
        var port = objects.Find("Service", "api-service")!.Spec.Items("ports")
            .Single(p => p.Text("name") == path.Text("backend", "service", "port", "name"));

        Assert.Equal(("GRPC", "0"),
            (annotations["nginx.ingress.kubernetes.io/backend-protocol"], annotations["nginx.ingress.kubernetes.io/proxy-body-size"]));
        Assert.Equal(("/inference.GRPCInferenceService", "8081"), (path.Text("path"), port.Text("targetPort")));
        Assert.Equal(rest.Spec.Items("tls").Single().Items("hosts").Single().ToString(),
            grpc.Spec.Items("tls").Single().Items("hosts").Single().ToString());
        Assert.Equal("8081", Setting(objects, "api", "Grpc__Port"));

        // Two of the three timeouts that end a silent stream are the Ingress's own, the third is the whole controller's.
        var values = Path.Combine(Repository.Root, "deploy", "cluster", "ingress-nginx.yaml");
        var controller = YamlJson.Parse(File.ReadAllText(values)).Single();
        string[] timeouts =
        [
            annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"], annotations["nginx.ingress.kubernetes.io/proxy-send-timeout"],
            controller.Text("controller", "config", "client-body-timeout"),
        ];
        Assert.All(timeouts, timeout => Assert.Equal("3600", timeout));
    }

    [Fact]
    public async Task Services_take_nobodys_word_for_a_caller_but_the_ingress()
    {
        var without = await charts.OfAsync("production");
        var with = await charts.OfAsync("production ingressNetwork=10.42.0.0/16");

        foreach (var service in Repository.HasDashboard ? (string[])["api", "web"] : ["api"])
        {
            Assert.Equal("10.42.0.0/16", Setting(with, service, "ForwardedHeaders__KnownNetworks__0"));
            Assert.Null(Setting(without, service, "ForwardedHeaders__KnownNetworks__0"));
        }
    }

    private static string? Setting(RenderedObjects objects, string component, string name) =>
        objects.Find("ConfigMap", $"{component}-config")!.Json.Entries("data").GetValueOrDefault(name);

    private static string Variable(RenderedObjects objects, string component, string name) =>
        objects.Container(component).Items("env").Single(variable => variable.Text("name") == name).Text("value");
}
