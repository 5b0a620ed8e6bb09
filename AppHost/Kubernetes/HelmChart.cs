// Steps of the pipeline are new in Aspire; nothing else lets an AppHost publish a format of its own.
#pragma warning disable ASPIREPIPELINES001, ASPIREPIPELINES004
using Aspire.Hosting.Pipelines;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Networking;
using InferenceTemplate.AppHost.Kubernetes.Pods;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using InferenceTemplate.AppHost.Kubernetes.Servers;
using InferenceTemplate.AppHost.Monitoring;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>The topology as one Helm chart, whose values switch what differs between installations.</summary>
internal static class HelmChart
{
    /// <summary>
    /// Adds a step to publishing that writes the chart: <c>aspire publish -o DIR</c>, <c>aspire do helm-chart -o DIR</c>. Running and
    /// the manifest for other tools know nothing of it.
    /// </summary>
    public static void AddHelmChart(this IDistributedApplicationBuilder builder) =>
        builder.Pipeline.AddStep(
            "helm-chart", context => WriteAsync(context, builder.AppHostDirectory), requiredBy: WellKnownPipelineSteps.Publish);

    private static async Task WriteAsync(PipelineStepContext context, string sources)
    {
        var folder = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
        var topology = new Topology(context.Model, context.ExecutionContext, context.CancellationToken);
        foreach (var (path, text) in await FilesAsync(topology, sources))
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, text, context.CancellationToken);
        }
    }

    private static async Task<IEnumerable<ChartFile>> OfWebAsync(ChartEnvironment environment) =>
        new ServicePods(Resources.Web, await environment.OfWebAsync(), Restriction.Service, Draining.OfCalls)
        {
            UsesServers = false,
            Replicas = ".Values.replicas.web",
        }.Files();

    private static async Task<IEnumerable<(string Path, string Text)>> FilesAsync(Topology topology, string sources)
    {
        var environment = new ChartEnvironment(topology);
        var api = await environment.OfApiAsync();
        var worker = await environment.OfWorkerAsync();
        var postgres = new ComponentEnvironment(
            Resources.Postgres, await environment.OfServerAsync(Resources.Postgres), Switches.PostgresPod);
        var redis = new ComponentEnvironment(Resources.Redis, await environment.OfServerAsync(Resources.Redis), Switches.RedisPod);
        ChartFile[] templates =
        [
            .. new ServicePods(Resources.Api, api, Restriction.Service, Draining.OfCalls) { SpeaksGrpc = true }.Files(),
            .. new ServicePods(Resources.Worker, worker, Restriction.Worker, Draining.OfWork)
            {
                IsCalled = false,
                UsesGpu = true,
                TakesDirectCalls = true,
            }.Files(),
            .. Dashboard.Included ? await OfWebAsync(environment) : [],
            .. ServerPods.Postgres(postgres).Files(),
            .. CloudNativePg.Files(),
            .. ServerPods.Redis(redis, await topology.ArgumentsAsync(Resources.Redis)).Files(),
            .. ServerTls.Authorities(),
            .. Backups.Files(),
            .. Scaling.Files(),
            .. Ingresses.Files(),
            .. new NetworkPolicies([.. topology.Edges()]).Files(),
            .. Quotas.Files(),
            .. ClusterMonitoring.Files(),
            ExternalSecrets.Shared(environment.Secrets()),
        ];
        var values = new ChartValues(topology, environment.Secrets().Select(secret => secret.Name));
        return
        [
            ("Chart.yaml", Chart),
            ("values.yaml", values.Defaults()),
            .. DeployEnvironment.All.Select(each => ($"values.{each.Name}.yaml", values.Of(each))),
            ("values.schema.json", values.Schema()),
            .. Backups.Scripts(sources),
            ("templates/_helpers.tpl", Quotas.NamedTemplates),
            ("templates/platform/checks.yaml", Checks),
            .. templates.Select(file => ($"templates/{file.Path}", file.Text)),
        ];
    }

    // What a schema can't compare, and the cluster would refuse piece by piece or not at all.
    private const string Checks = """
        {{- range $component := list "api" "worker" }}
        {{- $replicas := index $.Values.replicas $component }}
        {{- if gt (int $replicas.min) (int $replicas.max) }}
        {{- fail (printf "replicas.%s.min is more than replicas.%s.max" $component $component) }}
        {{- end }}
        {{- end }}
        {{- range $component, $size := .Values.sizes }}
        {{- if gt (trimSuffix "m" $size.cpu | int64) (trimSuffix "m" $size.cpuLimit | int64) }}
        {{- fail (printf "sizes.%s.cpu is more than sizes.%s.cpuLimit" $component $component) }}
        {{- end }}
        {{- end }}
        {{- if and (not .Values.autoscaling) (eq (int .Values.replicas.worker.min) 0) }}
        {{- fail "replicas.worker.min is 0, and with autoscaling off nothing would start a worker" }}
        {{- end }}

        """;

    // 1.30: a sleep before a pod stops.
    private const string Chart = """
        apiVersion: v2
        name: inference-template
        description: Inference Template
        type: application
        version: 0.1.0
        appVersion: 0.1.0
        kubeVersion: ">= 1.30.0-0"

        """;
}
