using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>How many replicas there are, and what the vertical autoscaler would make of their sizes.</summary>
internal static class Scaling
{
    /// <summary>The bearer token by which KEDA asks the Api; only in a cluster is there such an endpoint.</summary>
    public const string Token = "scaling-token";

    /// <summary>The variable by which the Api knows it.</summary>
    public const string TokenVariable = "Scaling__Token";

    // Seconds for which fewer replicas must have been enough before any goes.
    private const int Stabilization = 300;
    private const string Authentication = "worker-scaling";

    public static IEnumerable<ChartFile> Files() =>
    [
        ChartFile.Of($"{Resources.Api}/hpa.yaml", ByLoad(Resources.Api), Switches.Autoscaling),
        new($"{Resources.Worker}/scaler.yaml", ByQueue(Resources.Worker), Switches.Autoscaling),
        new($"{Resources.Worker}/scaling.yaml", new CustomResource(
            "keda.sh/v1alpha1", "TriggerAuthentication", Component.Named(Authentication, Resources.Worker), new()
            {
                ["secretTargetRef"] = new[]
                {
                    new Map
                    {
                        ["parameter"] = "token",
                        ["name"] =
                            $"{{{{ ternary \"{Resources.Api}-secrets\" \"{ComponentEnvironment.SharedSecret}\" ({Switches.ChartSecrets}) }}}}",
                        ["key"] = $"{{{{ ternary \"{TokenVariable}\" \"{Token}\" ({Switches.ChartSecrets}) }}}}",
                    },
                },
            }), Switches.Autoscaling),
        Recommendation(Resources.Api),
        Recommendation(Resources.Worker),
        .. Dashboard.Included ? (ChartFile[])[Recommendation(Resources.Web)] : [],
    ];

    /// <summary>More replicas at once when processor or memory are short, fewer only after five calm minutes.</summary>
    private static V2HorizontalPodAutoscaler ByLoad(string component) => new()
    {
        Metadata = Component.Named($"{component}-hpa", component),
        Spec = new()
        {
            ScaleTargetRef = new() { ApiVersion = "apps/v1", Kind = "Deployment", Name = $"{component}-deployment" },
            MinReplicas = Number($".Values.replicas.{component}.min"),
            MaxReplicas = Number($".Values.replicas.{component}.max"),
            Metrics = [Utilization("cpu", 70), Utilization("memory", 80)],
            Behavior = new()
            {
                ScaleUp =
                    new() { StabilizationWindowSeconds = 0, Policies = [new() { Type = "Percent", Value = 100, PeriodSeconds = 30 }] },
                ScaleDown = new()
                {
                    StabilizationWindowSeconds = Stabilization,
                    Policies = [new() { Type = "Percent", Value = 25, PeriodSeconds = 60 }]
                },
            },
        },
    };

    /// <summary>
    /// As many workers as the requests in the queues call for, which KEDA asks of the Api: none when nothing waits, if the environment
    /// allows that. While the Api does not answer, as many as there are at least.
    /// </summary>
    private static CustomResource ByQueue(string component) =>
        new("keda.sh/v1alpha1", "ScaledObject", Component.Named($"{component}-scaler", component), new()
        {
            ["scaleTargetRef"] = new Map { ["name"] = $"{component}-deployment" },
            ["minReplicaCount"] = Number($".Values.replicas.{component}.min"),
            ["maxReplicaCount"] = Number($".Values.replicas.{component}.max"),
            ["pollingInterval"] = 5,
            ["cooldownPeriod"] = Stabilization,
            ["fallback"] = new Map { ["failureThreshold"] = 6, ["replicas"] = Number($"max 1 .Values.replicas.{component}.min") },
            ["advanced"] = new Map
            {
                ["horizontalPodAutoscalerConfig"] = new Map
                {
                    ["behavior"] = new Map { ["scaleDown"] = new Map { ["stabilizationWindowSeconds"] = Stabilization } },
                },
            },
            ["triggers"] = new[]
        {
            new Map
            {
                ["type"] = "metrics-api",
                ["metricType"] = "AverageValue", // the number waiting is divided by the workers
                ["metadata"] = new Map
                {
                    // By its full name: KEDA asks from a namespace of its own.
                    ["url"] =
                        $"http://{Component.ServiceOf(Resources.Api)}.{{{{ .Release.Namespace }}}}.svc.cluster.local:8080/scaling/workers",
                    ["valueLocation"] = "waiting",
                    ["targetValue"] = $"{{{{ .Values.replicas.{component}.waiting }}}}",
                    ["activationTargetValue"] = "0",
                    ["authMode"] = "bearer",
                },
                ["authenticationRef"] = new Map { ["name"] = Authentication },
            },
        },
        });

    /// <summary>Watches and recommends; it changes nothing, since the sizes are ours and another scaler's.</summary>
    private static ChartFile Recommendation(string component) => new(
        $"{component}/vpa.yaml",
        new CustomResource("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", Component.Named($"{component}-vpa", component), new()
        {
            ["targetRef"] = new Map { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = $"{component}-deployment" },
            ["updatePolicy"] = new Map { ["updateMode"] = "Off" },
        }),
        Switches.Recommendations);

    private static V2MetricSpec Utilization(string name, int percent) => new()
    {
        Type = "Resource",
        Resource = new() { Name = name, Target = new() { Type = "Utilization", AverageUtilization = percent } },
    };
}
