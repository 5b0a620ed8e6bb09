using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Publishing;
using Aspire.Hosting.Kubernetes.Resources;
using Tests.Offline.Hosting;
using YamlDotNet.Serialization;

namespace Tests.Offline.Kubernetes;

public sealed class ChartTests : IDisposable
{
    private readonly DirectoryInfo _chart = Directory.CreateTempSubdirectory("chart-");

    public void Dispose() => _chart.Delete(recursive: true);

    [Fact]
    public async Task Chart_equals_that_of_the_real_library_file_by_file()
    {
        var reference = Path.Combine(AppContext.BaseDirectory, "Kubernetes", "Reference");

        await PublishAsync(SampleCluster.Describe);

        Assert.Equal(Files(reference), Files(_chart.FullName));
        Assert.All(Files(reference), file => Assert.Equal(File.ReadAllText(Path.Combine(reference, file)), Read(file)));
    }

    [Fact]
    public async Task Container_port_stands_in_the_chart_when_it_is_named()
    {
        await PublishAsync(builder =>
        {
            builder.AddKubernetesEnvironment("k8s").WithDashboard(false);
            builder.AddProject<SampleTopology.InferenceApi>("api", o => o.ExcludeLaunchProfile = true).WithHttpEndpoint(targetPort: 8080);
        });

        Assert.Contains("port: 8080\n      targetPort: 8080\n", Read("templates/api/service.yaml"), StringComparison.Ordinal);
        Assert.Contains("HTTP_PORTS: \"8080\"", Read("values.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kind_without_a_class_is_written_when_derived_from_the_base()
    {
        await PublishAsync(builder =>
        {
            builder.AddKubernetesEnvironment("k8s").WithDashboard(false);
            builder.AddContainer("box", "box:1").PublishAsKubernetesService(k => k.AdditionalResources.Add(new DisruptionBudget("box-pdb")));
        });

        Assert.Equal(
            """
            ---
            apiVersion: "policy/v1"
            kind: "PodDisruptionBudget"
            metadata:
              name: "box-pdb"
              labels:
                app.kubernetes.io/name: "{{ .Chart.Name }}"
                app.kubernetes.io/component: "box"
                app.kubernetes.io/instance: "{{ .Release.Name }}"
            spec:
              minAvailable: 1

            """,
            Read("templates/box/pdb.yaml"));
    }

    [Fact]
    public async Task Dashboard_receives_what_projects_measure_unless_it_is_off()
    {
        await PublishAsync(builder =>
        {
            builder.AddKubernetesEnvironment("k8s");
            builder.AddProject<SampleTopology.InferenceApi>("api");
        });

        Assert.True(File.Exists(Path.Combine(_chart.FullName, "templates/k8s-dashboard/deployment.yaml")));
        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT: \"http://k8s-dashboard-service:18889\"", Read("values.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Autoscaler_has_what_a_cluster_refuses_when_it_is_not_set_to_null()
    {
        await PublishAsync(builder =>
        {
            builder.AddKubernetesEnvironment("k8s").WithDashboard(false);
            builder.AddContainer("box", "box:1").PublishAsKubernetesService(k =>
                k.AdditionalResources.Add(new HorizontalPodAutoscalerV2 { Metadata = { Name = "box-hpa" }, Spec = { Metrics = { new() { Type = "Resource" } } } }));
        });

        var autoscaler = Read("templates/box/hpa.yaml");
        Assert.All(["external:", "pods:", "object:", "behavior:", "metadata: {}"], part => Assert.Contains(part, autoscaler, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ingress_to_an_endpoint_that_is_not_external_is_refused()
    {
        var error = await Assert.ThrowsAsync<DistributedApplicationException>(() => PublishAsync(builder =>
        {
            var api = builder.AddProject<SampleTopology.InferenceApi>("api");
            builder.AddKubernetesEnvironment("k8s").AddIngress("edge").WithPath("/", api.GetEndpoint("http"));
        }));

        Assert.Contains("endpoint 'http' is not marked as external but is being routed by Ingress 'edge'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Customization_without_an_environment_is_refused()
    {
        var error = await Assert.ThrowsAsync<DistributedApplicationException>(() => PublishAsync(builder =>
            builder.AddContainer("box", "box:1").PublishAsKubernetesService(_ => { })));

        Assert.Contains("Ensure you have added one by calling 'AddKubernetesEnvironment'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parameter_without_a_value_is_named()
    {
        var error = await Assert.ThrowsAsync<DistributedApplicationException>(() => PublishAsync(builder =>
        {
            builder.AddKubernetesEnvironment("k8s");
            builder.AddParameter("some-key", secret: true);
        }));

        Assert.Contains("Parameters__some_key", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Inference", "1.2.3", "Kubernetes namespace")]
    [InlineData("inference", "1.2.x", "Helm chart version")]
    public void Helm_options_are_checked(string @namespace, string version, string part)
    {
        var k8s = SampleTopology.Builder("--operation", "publish").AddKubernetesEnvironment("k8s");

        var error = Assert.Throws<ArgumentException>(() => k8s.WithHelm(h => h.WithNamespace(@namespace).WithChartVersion(version)));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ .Values.parameters.api.port_http | int }}", true)]
    [InlineData("{{ .Values.parameters.api.api_image }}", false)]
    [InlineData("http://api:{{ .Values.parameters.api.port_http | int }}", false)]
    [InlineData("{{ if eq (.Values.parameters.api.tls | lower) `true` }}https{{ else }}http{{ end }}", true)]
    public void Only_an_expression_for_a_number_and_a_choice_stand_without_quotes(string text, bool plain) => Assert.Equal(plain, HelmText.IsPlain(text));

    private async Task PublishAsync(Action<IDistributedApplicationBuilder> describe)
    {
        string[] values = [.. new[] { "postgres-password", "redis-password", "api-key-pepper", "jwt-signing-key" }.Select(n => $"--Parameters:{n}=shh")];
        var builder = SampleTopology.Builder([.. values, "--operation", "publish", "--step", "publish", "--output-path", _chart.FullName]);
        describe(builder);
        await using var app = builder.Build();
        await builder.Eventing.PublishAsync(
            new BeforeStartEvent(app.Services, new DistributedApplicationModel(builder.Resources)), TestContext.Current.CancellationToken);
        await builder.Pipeline.ExecuteAsync(app.Services, TestContext.Current.CancellationToken);
    }

    private static List<string> Files(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)];

    private string Read(string file) => File.ReadAllText(Path.Combine(_chart.FullName, file));

    private sealed class DisruptionBudget : BaseKubernetesResource
    {
        public DisruptionBudget(string name)
            : base("policy/v1", "PodDisruptionBudget") =>
            Metadata.Name = name;

        [YamlMember(Alias = "spec")]
        public Dictionary<string, object> Spec { get; } = new() { ["minAvailable"] = 1 };
    }
}
