using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>Alerts and objectives, by the real promtool.</summary>
public sealed partial class AlertTests(Charts charts)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<AlertCase> Cases => [.. AlertCases.All];

    [Fact]
    public async Task Checked_in_files_are_those_that_the_app_host_writes()
    {
        var written = await charts.PublishAsync("monitoring");

        Assert.Equal(Texts(written), Texts(WatchFiles.Folder));
    }

    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("slo.yaml")]
    public async Task Rules_pass_the_check_of_promtool(string file)
    {
        WatchFiles.Need("promtool", "prometheus");

        var said = await Tools.RunAsync("promtool", ["check", "rules", "--lint-fatal", WatchFiles.PathOf(file)]);

        Assert.Contains("SUCCESS", said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Alert_waits_then_fires_and_is_quiet_below_its_threshold(AlertCase alert)
    {
        WatchFiles.Need("promtool", "prometheus");
        var result = await RunAsync(alert, WatchFiles.PathOf("alerts.yaml"), WatchFiles.PathOf("slo.yaml"));

        Assert.True(result.ExitCode == 0, result.All);
    }

    [Theory]
    [InlineData("HighErrorRate", "> 0.05", "> 0.06")]
    [InlineData("HighErrorRate", "> 0.05", "> 0.04")]
    [InlineData("HighErrorRate", "for: 5m", "for: 10m")]
    [InlineData("QueueDeep", "max by (namespace, model, version, priority)", "sum by (namespace, model, version, priority)")]
    public async Task Cases_notice_another_rule(string alert, string text, string other)
    {
        WatchFiles.Need("promtool", "prometheus");
        var folder = Directory.CreateTempSubdirectory("rules-");
        try
        {
            var file = Path.Combine(folder.FullName, "changed.yaml");
            var rules = await File.ReadAllTextAsync(WatchFiles.PathOf("alerts.yaml"), Cancellation);
            Assert.Contains(text, rules, StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, rules.Replace(text, other, StringComparison.Ordinal), Cancellation);

            var result = await RunAsync(AlertCases.All.First(each => each.Name == alert), file);

            Assert.NotEqual(0, result.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Every_alert_has_its_cases() => Assert.Equal(
        WatchFiles.Alerts.Select(alert => alert.Text("alert")).Distinct().Order(StringComparer.Ordinal),
        AlertCases.All.Select(each => each.Name).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_alert_says_who_is_told_what_it_means_and_what_to_do()
    {
        var runbooks = File.ReadAllText(Path.Combine(Repository.Root, "docs", "runbooks.md"));
        var headings = Heading().Matches(runbooks)
            .Select(found => $"docs/runbooks.md#{found.Groups["text"].Value.ToLowerInvariant().Replace(' ', '-')}")
                .ToHashSet(StringComparer.Ordinal);
        var panels = WatchFiles.Boards.Select(WatchFiles.Board)
            .SelectMany(board => board.Items("panels").Select(panel => $"/d/{board.Text("uid")}?viewPanel={panel.Text("id")}"))
                .ToHashSet(StringComparer.Ordinal);

        Assert.All(WatchFiles.Alerts, alert =>
        {
            Assert.Contains(alert.Text("labels", "severity"), (string[])["P1", "P2", "P3"]);
            Assert.NotEmpty(alert.Text("annotations", "summary"));
            Assert.NotEmpty(alert.Text("annotations", "description"));
            Assert.Contains(alert.Text("annotations", "runbook_url"), headings);
            Assert.Contains(alert.Text("annotations", "dashboard"), panels);
        });
    }

    [Fact]
    public async Task Chart_has_the_rules_and_asks_every_service_where_monitoring_is_switched_on()
    {
        var objects = await charts.OfAsync("production monitoring=true");

        // What Prometheus would read of the chart is what it reads of the files: Helm has filled in nothing of its templates.
        var groups = objects.All.Single(each => each.Kind == "PrometheusRule").Json.At("spec", "groups")!;
        Assert.Equal(
            new[] { "alerts.yaml", "slo.yaml" }.SelectMany(file => WatchFiles.Read(file).Items("groups"))
                .Select(group => group.ToJsonString()),
            groups.AsArray().Select(group => group!.ToJsonString()));
        var monitor = objects.All.Single(each => each.Kind == "PodMonitor").Json;
        var selected = monitor.Entries("spec", "selector", "matchLabels");
        string[] services = Repository.HasDashboard ? ["api", "web", "worker"] : ["api", "worker"];
        Assert.Equal(services, objects.All.Where(each => each.Kind == "Deployment")
            .Where(each => selected.All(each.Json.Entries("spec", "template", "metadata", "labels").Contains))
            .Where(each => each.Json.Items("spec", "template", "spec", "containers").Any(container => container.Items("ports").Any(port =>
                port.Text("name") == monitor.Items("spec", "podMetricsEndpoints").Single().Text("port"))))
            .Select(each => each.Json.Entries("spec", "template", "metadata", "labels")["app.kubernetes.io/component"])
                .Order(StringComparer.Ordinal));
        Assert.DoesNotContain((await charts.OfAsync("production")).All, each => each.Kind is "PrometheusRule" or "PodMonitor");
    }

    [Theory]
    [InlineData("prometheus.rules.json", "alerts.yaml")]
    [InlineData("prometheus.rules.json", "slo.yaml")]
    [InlineData("prometheus.json", "prometheus.yaml")]
    [InlineData("prometheus-alertmanager.json", "alertmanager.yaml")]
    public void Files_fit_the_schemas_of_their_readers(string schema, string file)
    {
        var schemas = SchemaValidator.Find();
        if (schemas is null) Assert.Skip(SchemaValidator.Absent);

        Assert.Empty(schemas.Errors(schema, WatchFiles.Read(file)));
    }

    private static Dictionary<string, string> Texts(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetRelativePath(folder, file), File.ReadAllText, StringComparer.Ordinal);

    private static async Task<ToolResult> RunAsync(AlertCase alert, params string[] rules)
    {
        var folder = Directory.CreateTempSubdirectory("promtool-");
        try
        {
            var file = Path.Combine(folder.FullName, "test.yaml");
            var test = new JsonObject
            {
                ["rule_files"] = new JsonArray([.. rules.Select(rule => (JsonNode)rule)]),
                ["evaluation_interval"] = "30s",
                ["tests"] = new JsonArray(
                    Test(alert.Fires, State(alert, "pending", alert.Begins + 0.5, 1),
                        State(alert, "firing", alert.Begins + alert.Minutes + 2, 1)),
                    Test(alert.Quiet, State(alert, "pending", alert.Begins + 0.5, 0),
                        State(alert, "firing", alert.Begins + alert.Minutes + 2, 0))),
            };
            await File.WriteAllTextAsync(file, test.ToJsonString(), Cancellation); // JSON is YAML
            return await Tool.RunAsync("promtool", ["test", "rules", file]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static JsonObject Test(string[] series, params JsonNode[] states) => new()
    {
        ["interval"] = "1m",
        ["input_series"] = new JsonArray([.. series.Select(each => (JsonNode)new JsonObject
        {
            ["series"] = each[..(each.LastIndexOf('}') + 1)],
            ["values"] = each[(each.LastIndexOf('}') + 2)..],
        })]),
        ["promql_expr_test"] = new JsonArray(states),
    };

    private static JsonObject State(AlertCase alert, string state, double minute, int count)
    {
        var labels = $"alertname=\"{alert.Name}\",alertstate=\"{state}\",{alert.Labels},severity=\"{alert.Severity}\"";
        var samples = count == 0 ? new JsonArray() : new JsonArray(new JsonObject { ["labels"] = $"ALERTS{{{labels}}}", ["value"] = 1 });
        return new()
        {
            ["expr"] = $"ALERTS{{{labels}}}",
            ["eval_time"] = $"{((int)(minute * 60)).ToString(CultureInfo.InvariantCulture)}s",
            ["exp_samples"] = samples,
        };
    }

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();
}
