#pragma warning disable ASPIREPROBES001 // to find probes where there must be none

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Testing;
using YamlDotNet.RepresentationModel;

namespace InferenceTemplate.Tests.AppHost;

public sealed class KubernetesTests(PublishedChart chart) : IClassFixture<PublishedChart>
{
    private static readonly string[] s_services = ["api", "worker", "web"];

    [Fact]
    public async Task Chart_passes_helm_lint()
    {
        var (exitCode, output) = await PublishedChart.HelmAsync("lint", "--strict", chart.Folder);

        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public void Chart_is_named_after_the_product_and_has_a_folder_for_each_resource()
    {
        Assert.Contains("name: \"inference\"\n", File.ReadAllText(Path.Combine(chart.Folder, "Chart.yaml")), StringComparison.Ordinal);
        var folders = Directory.GetDirectories(Path.Combine(chart.Folder, "templates")).Select(f => Path.GetFileName(f)!);
        Assert.Equal(["api", "postgres", "redis", "web", "worker"], folders.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Secrets_are_not_written()
    {
        var files = Directory.GetFiles(chart.Folder, "*", SearchOption.AllDirectories);

        Assert.DoesNotContain(files, file => File.ReadAllText(file).Contains(PublishedChart.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Secrets_are_given_to_Secrets_only()
    {
        var objects = await chart.RenderAsync();

        var holders = objects.Where(o => o.ToString().Contains(PublishedChart.Secret, StringComparison.Ordinal)).Select(Kind).Distinct();
        Assert.Equal(["Secret"], holders);
    }

    [Fact]
    public async Task Services_have_three_probes_on_a_port_that_they_listen_on()
    {
        var objects = await chart.RenderAsync();

        Assert.All(s_services, service =>
        {
            var container = Assert.Single(Containers(Workload(objects, service)));
            var ports = Items(container, "ports").Select(port => Text(port, "containerPort")).ToList();
            foreach (var (probe, path) in new[] { ("startupProbe", "/alive"), ("livenessProbe", "/alive"), ("readinessProbe", "/health") })
            {
                Assert.Equal(path, Text(container, probe, "httpGet", "path"));
                Assert.Equal("HTTP", Text(container, probe, "httpGet", "scheme"));
                Assert.Contains(Text(container, probe, "httpGet", "port"), ports);

                // Health checks are given up after two seconds.
                Assert.True(int.Parse(Text(container, probe, "timeoutSeconds"), System.Globalization.CultureInfo.InvariantCulture) > 2);
            }
        });
    }

    [Fact]
    public async Task Containers_have_requests_limits_and_restrictions()
    {
        var workloads = (await chart.RenderAsync()).Where(o => Kind(o) is "Deployment" or "StatefulSet").ToList();

        Assert.Equal(5, workloads.Count);
        Assert.All(workloads, workload =>
        {
            var pod = Node(workload, "spec", "template", "spec");
            Assert.Equal("false", Text(pod, "automountServiceAccountToken"));
            Assert.Equal("true", Text(pod, "securityContext", "runAsNonRoot"));
            Assert.NotEqual("0", Text(pod, "securityContext", "runAsUser"));
            Assert.Equal("RuntimeDefault", Text(pod, "securityContext", "seccompProfile", "type"));
            Assert.True(int.Parse(Text(pod, "terminationGracePeriodSeconds"), System.Globalization.CultureInfo.InvariantCulture) > 30);
            Assert.All(Containers(workload), container =>
            {
                foreach (var kind in new[] { "requests", "limits" })
                {
                    Assert.NotEmpty(Text(container, "resources", kind, "cpu"));
                    Assert.NotEmpty(Text(container, "resources", kind, "memory"));
                }

                Assert.Equal("false", Text(container, "securityContext", "allowPrivilegeEscalation"));
                Assert.Equal("true", Text(container, "securityContext", "readOnlyRootFilesystem"));
                Assert.Equal(["ALL"], Items(Node(container, "securityContext", "capabilities"), "drop").Select(drop => drop.ToString()));
                Assert.Contains("/tmp", Items(container, "volumeMounts").Select(mount => Text(mount, "mountPath")));
            });
        });
    }

    [Fact]
    public async Task What_a_pod_refers_to_is_in_the_chart()
    {
        var objects = await chart.RenderAsync();
        var names = objects.Select(o => $"{Kind(o)}/{Text(o, "metadata", "name")}").ToHashSet(StringComparer.Ordinal);
        var references = new List<string>();
        foreach (var workload in objects.Where(o => Kind(o) is "Deployment" or "StatefulSet"))
        {
            foreach (var container in Containers(workload))
            {
                references.AddRange(Items(container, "envFrom").Cast<YamlMappingNode>().Select(source =>
                    source.Children.ContainsKey("secretRef") ? $"Secret/{Text(source, "secretRef", "name")}" : $"ConfigMap/{Text(source, "configMapRef", "name")}"));
                references.AddRange(Items(container, "env").Cast<YamlMappingNode>().Where(variable => variable.Children.ContainsKey("valueFrom"))
                    .Select(variable => $"Secret/{Text(variable, "valueFrom", "secretKeyRef", "name")}"));
            }

            references.AddRange(Items(Node(workload, "spec", "template", "spec"), "volumes").Cast<YamlMappingNode>()
                .Where(volume => volume.Children.ContainsKey("persistentVolumeClaim"))
                .Select(volume => $"PersistentVolumeClaim/{Text(volume, "persistentVolumeClaim", "claimName")}"));
        }

        Assert.Contains("Secret/api-secrets", references);
        Assert.Contains("PersistentVolumeClaim/postgres-postgres-data-pvc", references);
        Assert.All(references, reference => Assert.Contains(reference, names));
    }

    [Fact]
    public async Task Service_ports_lead_to_container_ports()
    {
        var objects = await chart.RenderAsync();
        var services = objects.Where(o => Kind(o) == "Service").ToList();

        Assert.Equal(5, services.Count);
        Assert.All(services, service =>
        {
            var container = Assert.Single(Containers(Workload(objects, Component(service))));
            var ports = Items(container, "ports").Select(port => Text(port, "containerPort")).ToList();
            Assert.All(Items(Node(service, "spec"), "ports"), port => Assert.Contains(Text(port, "targetPort"), ports));
        });
    }

    [Theory]
    [InlineData]
    [InlineData("--publisher", "manifest")]
    [InlineData("--operation", "publish", "--step", "publish-manifest")]
    public async Task Running_and_the_manifest_know_nothing_of_the_cluster(params string[] arguments)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(arguments, TestContext.Current.CancellationToken);

        Assert.DoesNotContain(builder.Resources, resource => resource is KubernetesEnvironmentResource);
        Assert.DoesNotContain(
            builder.Resources.SelectMany(resource => resource.Annotations),
            annotation => annotation is ProbeAnnotation or KubernetesServiceCustomizationAnnotation);
    }

    private static string Kind(YamlMappingNode node) => Text(node, "kind");

    private static string Component(YamlNode node) => Text(node, "metadata", "labels", "app.kubernetes.io/component");

    private static YamlMappingNode Workload(IReadOnlyList<YamlMappingNode> objects, string component) =>
        Assert.Single(objects, o => Kind(o) is "Deployment" or "StatefulSet" && Component(o) == component);

    private static IEnumerable<YamlNode> Containers(YamlMappingNode workload) => Items(Node(workload, "spec", "template", "spec"), "containers");

    private static IEnumerable<YamlNode> Items(YamlNode node, string name) =>
        ((YamlMappingNode)node).Children.TryGetValue(name, out var items) ? (YamlSequenceNode)items : [];

    private static string Text(YamlNode node, params string[] path) => ((YamlScalarNode)Node(node, path)).Value ?? "";

    private static YamlNode Node(YamlNode node, params string[] path) => path.Aggregate(node, (inner, name) => inner[name]);
}
