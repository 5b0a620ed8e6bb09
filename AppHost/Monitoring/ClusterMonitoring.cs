using System.Text.RegularExpressions;
using InferenceTemplate.AppHost.Kubernetes;
using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Monitoring;

/// <summary>The alerts, and whom to ask for metrics, as objects of Prometheus' operator.</summary>
internal static partial class ClusterMonitoring
{
    private const string Api = "monitoring.coreos.com/v1";

    public static IEnumerable<ChartFile> Files() =>
    [
        Of("rules", "PrometheusRule", new()
        {
            ["groups"] = MonitoringFiles.AlertGroups.Concat(MonitoringFiles.ObjectiveGroups).Select(group => InChart(group.Written))
                .ToArray(),
        }),
        // By component, so that a job is called as the component is.
        Of("metrics", "PodMonitor", new()
        {
            ["jobLabel"] = Component.Label,
            ["selector"] = new Map
            {
                ["matchLabels"] = new Map
                {
                    ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
                    ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
                },
            },
            ["podMetricsEndpoints"] = new[] { new Map { ["port"] = "http", ["path"] = "/metrics", ["interval"] = "15s" } },
        }),
    ];

    private static ChartFile Of(string name, string kind, Map spec)
    {
        var metadata = Component.Named(name, Component.Platform);
        // By which most installations of the operator choose what they read.
        metadata.Labels[Template.When(Switches.MonitoringRelease, "release")] = "{{ .Values.monitoringRelease }}";
        return new($"{Component.Platform}/{name}.yaml", new CustomResource(Api, kind, metadata, spec), Switches.Monitoring);
    }

    private static object InChart(object value) => value switch
    {
        string text => Labels().Replace(text, "{{ `$0` }}")
            .Replace(Promql.Here, "namespace=\"{{ .Release.Namespace }}\"", StringComparison.Ordinal),
        Map mapping => Mapped(mapping),
        IEnumerable<Map> items => items.Select(InChart).ToArray(),
        _ => value,
    };

    private static Map Mapped(Map mapping)
    {
        var mapped = new Map();
        foreach (var (name, value) in mapping)
        {
            mapped[name] = InChart(value);
        }

        return mapped;
    }

    // What Prometheus fills in, and Helm must leave alone.
    [GeneratedRegex(@"\{\{ [^}]+ \}\}", RegexOptions.None, 1000)]
    private static partial Regex Labels();
}
