// Steps of the pipeline are new in Aspire; nothing else lets an AppHost publish a format of its own.
#pragma warning disable ASPIREPIPELINES001, ASPIREPIPELINES004
using System.Text.Encodings.Web;
using System.Text.Json;
using Aspire.Hosting.Pipelines;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using InferenceTemplate.AppHost.Monitoring.Alerts;
using InferenceTemplate.AppHost.Monitoring.Grafana;
using InferenceTemplate.Core.Objectives;
using InferenceTemplate.AppHost.Monitoring.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.AppHost.Monitoring;

/// <summary>Alerts, dashboards and the settings of those who watch, as files for their servers and as objects of the chart.</summary>
internal static class MonitoringFiles
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static IReadOnlyList<RuleGroup> AlertGroups { get; } =
    [
        new("services", [.. ServiceAlerts.All(Thresholds.Default).Select(alert => alert.Rule())]),
        new("cluster", [.. ClusterAlerts.All(Thresholds.Default).Select(alert => alert.Rule())]),
    ];

    public static IReadOnlyList<RuleGroup> ObjectiveGroups { get; } = [.. Objectives.Groups(Thresholds.Default)];

    /// <summary>Adds a step that writes the files: <c>aspire do monitoring -o DIR</c>. Publishing has no part in it.</summary>
    public static void AddMonitoring(this IDistributedApplicationBuilder builder) => builder.Pipeline.AddStep("monitoring", WriteAsync);

    private static async Task WriteAsync(PipelineStepContext context)
    {
        var folder = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
        foreach (var (path, text) in Files())
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, text, context.CancellationToken);
        }
    }

    private static IEnumerable<(string Path, string Text)> Files() =>
    [
        Written("alerts.yaml", Rules(AlertGroups)),
        Written("slo.yaml", Rules(ObjectiveGroups)),
        Written("alertmanager.yaml", Alertmanager.Configuration),
        Written("prometheus.yaml", Prometheus.Configuration),
        Written("collector.yaml", Logs.Collector),
        Written("loki.yaml", Logs.Loki),
        .. ServerBoards.All.Select(board => ($"grafana/{board.Name}.json", JsonSerializer.Serialize(board.Written, s_json) + "\n")),
    ];

    private static Map Rules(IReadOnlyList<RuleGroup> groups) => new() { ["groups"] = groups.Select(group => group.Written).ToArray() };

    private static (string Path, string Text) Written(string path, Map content) =>
        (path, "# scripts/chart.sh writes this from AppHost/Monitoring.\n" + Yaml.Write(content));
}
