using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Monitoring.Servers;

/// <summary>
/// For a Prometheus without its operator, which has the chart's PodMonitor instead: it asks every pod of the product, and pods and
/// Services that say so by annotation, such as exporters.
/// </summary>
internal static class Prometheus
{
    private const string Pod = "__meta_kubernetes_pod_";

    public static Map Configuration => new()
    {
        ["global"] = new Map { ["scrape_interval"] = "15s", ["evaluation_interval"] = "15s" },
        ["rule_files"] = new[] { "alerts.yaml", "slo.yaml" },
        ["alerting"] = new Map
        {
            ["alertmanagers"] = new[]
            {
                new Map { ["static_configs"] = new[] { new Map { ["targets"] = new[] { "alertmanager:9093" } } } },
            },
        },
        ["scrape_configs"] = new[]
        {
            Job(
                "inference",
                Keep($"{Pod}label_app_kubernetes_io_name", "inference-template"),
                Keep($"{Pod}container_port_name", "http"),
                Copy($"{Pod}label_app_kubernetes_io_component", "job")),
            Job(
                "exporters",
                Keep($"{Pod}annotation_prometheus_io_scrape", "true"),
                new Map
                {
                    ["source_labels"] = new[] { "__address__", $"{Pod}annotation_prometheus_io_port" },
                    ["regex"] = "([^:]+)(?::\\d+)?;(\\d+)",
                    ["replacement"] = "$1:$2",
                    ["target_label"] = "__address__",
                }),
        },
    };

    private static Map Job(string name, params Map[] labels) => new()
    {
        ["job_name"] = name,
        ["kubernetes_sd_configs"] = new[] { new Map { ["role"] = "pod" } },
        ["relabel_configs"] = (Map[])[.. labels, Copy("__meta_kubernetes_namespace", "namespace"), Copy($"{Pod}name", "pod")],
    };

    private static Map Keep(string label, string value) =>
        new() { ["source_labels"] = new[] { label }, ["action"] = "keep", ["regex"] = value };

    private static Map Copy(string from, string to) => new() { ["source_labels"] = new[] { from }, ["target_label"] = to };
}
