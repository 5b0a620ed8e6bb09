using System.Globalization;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>What the namespace may take in all, which the chart sums up from its values.</summary>
internal static class Quotas
{
    // Backup jobs, the certificate solver, a pod for looking around.
    private static readonly (PodSize Size, int Pods) s_others = (new(500, 2000, 512), 4);

    // What Istio gives the proxy in each pod, which is the most of the meshes, in the units of the sizes.
    private const string s_proxy = "\"cpu\" 100 \"cpuLimit\" 2000 \"memory\" 1024";

    /// <summary>What one of those pods gets.</summary>
    public static V1ResourceRequirements OfOthers => new()
    {
        Requests = Quantities(Unit(s_others.Size.Millicores, "m"), Unit(s_others.Size.Mebibytes, "Mi")),
        Limits = Quantities(Unit(s_others.Size.LimitMillicores, "m"), Unit(s_others.Size.Mebibytes, "Mi")),
    };

    /// <summary>Named templates: the pods of each component at their most, one more of each during an update, and sums over them.</summary>
    public static string NamedTemplates { get; } = string.Join('\n',
    [
        "{{/* Pods of each component at their most, with the one more that an update starts. */}}",
        "{{- define \"pods\" -}}",
        "api: {{ add1 .Values.replicas.api.max }}",
        "worker: {{ add1 .Values.replicas.worker.max }}",
        .. Dashboard.Included ? (string[])["web: {{ add1 .Values.replicas.web }}"] : [],
        $"postgres: {{{{ if {Switches.CloudNativePg} }}}}{{{{ add1 .Values.replicas.database }}}}{{{{ else }}}}1{{{{ end }}}}",
        "redis: 1",
        "{{- end }}",
        "",
        "{{/* The sum of a field of the sizes over all pods, a mesh's proxies among them, and what other pods of the namespace take:",
        "     list . FIELD UNIT OTHERS */}}",
        "{{- define \"quota\" -}}",
        "{{- $values := (index . 0).Values -}}",
        "{{- $field := index . 1 -}}",
        "{{- $unit := index . 2 -}}",
        "{{- $proxy := 0 -}}",
        $"{{{{- if ne $values.mesh \"none\" }}}}{{{{ $proxy = index (dict {s_proxy}) $field }}}}{{{{ end -}}}}",
        string.Create(CultureInfo.InvariantCulture, $"{{{{- $sum := add (index . 3) (mul {s_others.Pods} $proxy) -}}}}"),
        "{{- range $component, $pods := include \"pods\" (index . 0) | fromYaml -}}",
        "{{- $sum = add $sum (mul $pods (add $proxy (index $values.sizes $component $field | trimSuffix $unit | int64))) -}}",
        "{{- end -}}",
        "{{ $sum }}{{ $unit }}",
        "{{- end }}",
        "",
        "{{/* The number of all pods, with others: list . OTHERS */}}",
        "{{- define \"quota.pods\" -}}",
        "{{- $sum := index . 1 -}}",
        "{{- range include \"pods\" (index . 0) | fromYaml -}}",
        "{{- $sum = add $sum . -}}",
        "{{- end -}}",
        "{{ $sum }}",
        "{{- end }}",
        "",
        .. Servers.ServerPods.ConnectionsTemplate.Split('\n'),
        "",
        .. SecretMark.ConnectionValue.Split('\n'),
        "",
    ]);

    public static IEnumerable<ChartFile> Files() =>
    [
        new("platform/quota.yaml", new CustomResource("v1", "ResourceQuota", Component.Named("quota", Component.Platform), new()
        {
            ["hard"] = new Map
            {
                ["requests.cpu"] = Sum("cpu", "m", s_others.Size.Millicores),
                ["requests.memory"] = Sum("memory", "Mi", s_others.Size.Mebibytes),
                ["limits.cpu"] = Sum("cpuLimit", "m", s_others.Size.LimitMillicores),
                ["limits.memory"] = Sum("memory", "Mi", s_others.Size.Mebibytes),
                ["pods"] = string.Create(CultureInfo.InvariantCulture, $"{{{{ include \"quota.pods\" (list . {s_others.Pods}) }}}}"),
                ["requests.nvidia.com/gpu"] = $"{{{{ ternary (add1 .Values.replicas.worker.max) 0 ({Switches.Gpu}) }}}}",
                ["persistentvolumeclaims"] = "10",
                ["services.loadbalancers"] = "0",
                ["services.nodeports"] = "0",
            },
        })),
        // A pod that says nothing of its size gets this one; with a quota it would be refused.
        ChartFile.Of("platform/limits.yaml", new V1LimitRange
        {
            Metadata = Component.Named("limits", Component.Platform),
            Spec = new()
            {
                Limits =
                [
                    new()
                    {
                        Type = "Container",
                        DefaultRequest = Quantities("100m", "256Mi"),
                        DefaultProperty = Quantities("500m", "256Mi"),
                    },
                ],
            },
        }),
    ];

    private static string Sum(string field, string unit, int other) =>
        string.Create(CultureInfo.InvariantCulture, $"{{{{ include \"quota\" (list . \"{field}\" \"{unit}\" {other * s_others.Pods}) }}}}");

    private static string Unit(int number, string unit) => number.ToString(CultureInfo.InvariantCulture) + unit;

    private static Dictionary<string, ResourceQuantity> Quantities(string cpu, string memory) =>
        new(StringComparer.Ordinal) { ["cpu"] = new(cpu), ["memory"] = new(memory) };
}
