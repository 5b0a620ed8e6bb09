using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>Who runs Postgres and Redis, how they are reached, and where secrets come from.</summary>
public sealed class ServerTests(Charts charts)
{
    [Fact]
    public async Task Managed_servers_leave_no_object_but_their_connections_with_tls()
    {
        var objects = await charts.OfAsync("production-managed");

        Assert.DoesNotContain(objects.All, each => each.Name.StartsWith("postgres", StringComparison.Ordinal) || each.Name.StartsWith("redis", StringComparison.Ordinal));
        Assert.Empty(objects.OfKind("StatefulSet", "PersistentVolumeClaim"));
        foreach (var component in new[] { "api", "worker" })
        {
            Assert.Equal("$(PARAMETER_INFERENCE_CONNECTION);SSL Mode=VerifyFull", Variable(objects, component, "ConnectionStrings__inference"));
            Assert.Equal("$(PARAMETER_REDIS_CONNECTION),ssl=true", Variable(objects, component, "ConnectionStrings__redis"));
        }
    }

    [Fact]
    public async Task Variables_come_after_those_that_they_are_composed_of()
    {
        var objects = await charts.WithAsync("--Deploy:Secrets=existing");

        foreach (var container in objects.Pods.SelectMany(pods => pods.Containers))
        {
            var known = new HashSet<string>(StringComparer.Ordinal);
            foreach (var variable in container.Items("env"))
            {
                Assert.All(variable.Text("value").Split("$(").Skip(1), rest => Assert.Contains(rest[..rest.IndexOf(')', StringComparison.Ordinal)], known));
                known.Add(variable.Text("name"));
            }
        }
    }

    [Theory]
    [InlineData("--Deploy:Secrets=existing")]
    [InlineData("--Deploy:Database=managed --Deploy:Redis=managed --Deploy:Secrets=external --Deploy:Environment=production")]
    public async Task Services_read_the_same_variables_whatever_their_source(string switches)
    {
        foreach (var component in (await charts.OfAsync("chart")).Pods.Select(pods => pods.Component).Except(["postgres", "redis"], StringComparer.Ordinal))
        {
            var fromChart = (await charts.OfAsync("chart")).Find("Secret", $"{component}-secrets")!.Json.Entries("stringData").Keys;
            var container = (await charts.WithAsync(switches)).Pods.Single(pods => pods.Component == component).Containers.Single();
            var fromElsewhere = container.Items("env").Select(variable => variable.Text("name")).Where(name => !name.StartsWith("PARAMETER_", StringComparison.Ordinal));

            Assert.Equal(fromChart.Order(StringComparer.Ordinal), fromElsewhere.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task External_secret_holds_what_pods_read_and_no_more()
    {
        var objects = await charts.OfAsync("production-managed");
        var read = objects.Pods.SelectMany(pods => pods.Containers).SelectMany(container => container.Items("env"))
            .Select(variable => variable.Text("valueFrom", "secretKeyRef", "key")).Append("scaling-token").Where(key => key.Length > 0).Distinct();

        Assert.Equal(read.Order(StringComparer.Ordinal), objects.Find("ExternalSecret", "inference-secrets")!.Spec.Items("data").Select(entry => entry.Text("secretKey")).Order(StringComparer.Ordinal));
        Assert.Empty(objects.OfKind("Secret"));
    }

    [Fact]
    public async Task Operator_runs_as_many_instances_as_the_environment_says_in_several_zones()
    {
        var objects = await charts.OfAsync("production-cloudnativepg");
        var cluster = Assert.Single(objects.OfKind("Cluster")).Spec;

        Assert.Equal(3, cluster.Number("instances"));
        Assert.Equal("topology.kubernetes.io/zone", cluster.Text("affinity", "topologyKey"));
        Assert.Equal("1", cluster.Text("postgresql", "synchronous", "number"));
        Assert.Equal("false", cluster.Text("enableSuperuserAccess"));
        Assert.DoesNotContain(objects.Pods, pods => pods.Owner.Name == "postgres-statefulset");
        Assert.Equal(
            "Host=postgres-rw;Port=5432;Username=inference;Password=$(PARAMETER_POSTGRES_PASSWORD);Database=inference;SSL Mode=VerifyFull;Root Certificate=/authorities/postgres.crt",
            Variable(objects, "api", "ConnectionStrings__inference"));
    }

    [Fact]
    public async Task Single_instance_has_no_replica_to_wait_for()
    {
        var objects = await charts.WithAsync("--Deploy:Database=cloudnativepg --Deploy:Redis=managed --Deploy:Secrets=external --Deploy:Environment=development");

        Assert.Null(Assert.Single(objects.OfKind("Cluster")).Spec.At("postgresql", "synchronous"));
    }

    [Fact]
    public async Task Operator_takes_its_login_from_the_vault_untouched_by_helm()
    {
        var objects = await charts.WithAsync("--Deploy:Database=cloudnativepg --Deploy:Redis=managed --Deploy:Secrets=external --Deploy:Environment=development");

        Assert.Equal("{{ .password }}", objects.Find("ExternalSecret", "postgres-login")!.Spec.Text("target", "template", "data", "password"));
    }

    [Fact]
    public async Task Servers_of_the_chart_speak_tls_where_it_is_switched_on()
    {
        var objects = await charts.WithAsync("--Deploy:Mesh=istio --Deploy:Tls=true --Deploy:StorageClass=fast");
        string Arguments(string component) => string.Join(' ', objects.Pods.Single(pods => pods.Component == component).Containers.Single().Items("args").Select(argument => argument.ToString()));

        Assert.Contains("ssl=on", Arguments("postgres"), StringComparison.Ordinal);
        Assert.Contains("--port 0 --tls-port 6379", Arguments("redis"), StringComparison.Ordinal);
        Assert.EndsWith(";SSL Mode=VerifyFull;Root Certificate=/authorities/postgres.crt", objects.Find("Secret", "worker-secrets")!.Json.Text("stringData", "ConnectionStrings__inference"), StringComparison.Ordinal);
        Assert.EndsWith(",ssl=true", objects.Find("Secret", "worker-secrets")!.Json.Text("stringData", "ConnectionStrings__redis"), StringComparison.Ordinal);
        Assert.Equal(["postgres-service", "postgres-service.inference-template.svc"], objects.Find("Certificate", "postgres-tls")!.Spec.Items("dnsNames").Select(name => name.ToString()));
        Assert.All(objects.OfKind("PersistentVolumeClaim"), claim => Assert.Equal("fast", claim.Spec.Text("storageClassName")));
    }

    [Fact]
    public async Task Claims_outlive_the_release()
    {
        var claims = (await charts.OfAsync("chart")).OfKind("PersistentVolumeClaim").ToList();

        Assert.Equal(["postgres-data 200Gi", "redis-data 20Gi"], claims.Select(claim => $"{claim.Name} {claim.Spec.Text("resources", "requests", "storage")}"));
        Assert.All(claims, claim => Assert.Equal("keep", claim.Json.Text("metadata", "annotations", "helm.sh/resource-policy")));
    }

    [Fact]
    public async Task Chart_names_the_secret_that_was_not_given()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Tools.HelmAsync("template", "inference-template", Path.Combine(Charts.Folder, "chart"), "--kube-version", "1.33.0"));

        Assert.Matches(@"secrets\.\w+\.\w+ is not set", failure.Message);
    }

    [Fact]
    public async Task Secret_values_are_new_complete_and_the_same_for_all_who_share_one()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script is for bash.");
        var chart = Path.Combine(Charts.Folder, "chart");
        var script = Path.Combine(Charts.Folder, "..", "scripts", "secret-values.sh");
        var given = Path.GetTempFileName();
        var first = await Tools.RunAsync("bash", [script, chart]);
        var second = await Tools.RunAsync("bash", [script, chart]);
        await File.WriteAllTextAsync(given, first, TestContext.Current.CancellationToken);
        var objects = RenderedObjects.Parse(await Tools.HelmAsync("template", "inference-template", chart, "--kube-version", "1.33.0", "--values", given));
        File.Delete(given);
        string Entry(string secret, string key) => objects.Find("Secret", secret)!.Json.Text("stringData", key);

        Assert.NotEqual(first, second);
        Assert.Matches("^[A-Za-z0-9]{64}$", Entry("api-secrets", "Auth__ApiKeyPepper"));
        Assert.Equal(Entry("api-secrets", "Auth__ApiKeyPepper"), Entry("worker-secrets", "Auth__ApiKeyPepper"));
        Assert.Contains($"Password={Entry("postgres-secrets", "POSTGRES_PASSWORD")};", Entry("worker-secrets", "ConnectionStrings__inference"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--Deploy:Mesh=istio --Deploy:Tls=true --Deploy:StorageClass=fast", "STRICT")]
    [InlineData("--Deploy:Mesh=linkerd --Deploy:Recommendations=true --Deploy:Gpu=spot", "cluster-authenticated")]
    public async Task Mesh_refuses_plain_connections(string switches, string word)
    {
        var objects = await charts.WithAsync(switches);
        var said = objects.OfKind("PeerAuthentication").Select(each => each.Spec.Text("mtls", "mode"))
            .Concat(objects.Pods.Select(pods => pods.Template.Text("metadata", "annotations", "config.linkerd.io/default-inbound-policy")));

        Assert.Contains(word, said);
        Assert.All(objects.Pods, pods => Assert.True(pods.Labels.ContainsKey("sidecar.istio.io/inject") || pods.Template.Text("metadata", "annotations", "linkerd.io/inject") == "enabled"));
    }

    [Fact]
    public async Task Clients_reach_calls_only_and_a_browser_stays_with_its_replica()
    {
        var objects = await charts.OfAsync("chart");

        //#if (web)
        Assert.Equal("cookie", objects.Find("Ingress", "web-edge")!.Json.At("metadata", "annotations").Text("nginx.ingress.kubernetes.io/affinity"));
        //#endif
        Assert.Equal(["/v1", "/v2"], objects.Find("Ingress", "api-edge")!.Spec.Items("rules").SelectMany(rule => rule.Items("http", "paths")).Select(path => path.Text("path")));
    }

    private static string Variable(RenderedObjects objects, string component, string name) =>
        objects.Pods.Single(pods => pods.Component == component).Containers.Single().Items("env").Single(variable => variable.Text("name") == name).Text("value");
}
