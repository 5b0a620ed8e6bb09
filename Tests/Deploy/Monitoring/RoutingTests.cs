using System.Diagnostics;
using System.Text.Json;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>Who is told of what: by amtool, and for what is held back by the real Alertmanager.</summary>
public sealed class RoutingTests
{
    private const string Here = "namespace=inference-template";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What burns beside an alert of another kind, and which of the two is held back.</summary>
    public static TheoryData<string, string, bool> Pairs => new()
    {
        { $"ServiceDown severity=P1 job=api {Here}", $"HighErrorRate severity=P1 job=api {Here}", true },
        { $"ServiceDown severity=P1 job=api {Here}", $"ReplicaDown severity=P2 job=api pod=a {Here}", true },
        { $"ServiceDown severity=P1 job=api {Here}", $"ReplicaDown severity=P2 job=worker pod=w {Here}", false },
        { $"ServiceDown severity=P1 job=worker {Here}", $"QueueDeep severity=P2 {Here}", true },
        { $"ServiceDown severity=P1 job=worker {Here}", "QueueDeep severity=P2 namespace=other", false },
        { $"ServiceDown severity=P1 job=worker {Here}", $"DatabaseUnreachable severity=P1 {Here}", false },
        { $"DatabaseUnreachable severity=P1 {Here}", $"RecordsLost severity=P2 {Here}", true },
        { $"DatabaseUnreachable severity=P1 {Here}", $"ServiceDown severity=P1 job=api {Here}", false },
        { $"RedisUnreachable severity=P1 {Here}", $"HighErrorRate severity=P1 job=api {Here}", true },
        { $"ErrorBudgetBurn severity=P1 slo=availability {Here}", $"ErrorBudgetBurn severity=P3 slo=availability {Here}", true },
        { $"ErrorBudgetBurn severity=P1 slo=availability {Here}", $"ErrorBudgetBurn severity=P3 slo=latency {Here}", false },
        { $"HighErrorRate severity=P1 job=api {Here}", $"NodeNotReady severity=P2 node=n", false },
    };

    [Fact]
    public async Task Configuration_passes_the_check_of_amtool()
    {
        WatchFiles.Need("amtool", "prometheus-alertmanager");

        Assert.Contains("SUCCESS", await Tools.RunAsync("amtool", ["check-config", WatchFiles.PathOf("alertmanager.yaml")]),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("P1", "pager,chat")]
    [InlineData("P2", "chat")]
    [InlineData("P3", "mail")]
    [InlineData("unknown", "mail")]
    public async Task Severity_decides_who_is_told(string severity, string receivers)
    {
        WatchFiles.Need("amtool", "prometheus-alertmanager");

        var said = await Tools.RunAsync(
            "amtool", ["config", "routes", "test", $"--config.file={WatchFiles.PathOf("alertmanager.yaml")}", $"severity={severity}",
                "alertname=X"]);

        Assert.Equal(receivers, said.Trim());
    }

    [Fact]
    public void What_is_held_back_are_alerts_that_exist()
    {
        var known = WatchFiles.Alerts.Select(alert => alert.Text("alert")).ToHashSet(StringComparer.Ordinal);
        var named = WatchFiles.Read("alertmanager.yaml").Items("inhibit_rules")
            .SelectMany(rule => rule.Items("source_matchers").Concat(rule.Items("target_matchers")))
            .Select(matcher => matcher.ToString()).Where(matcher => matcher.StartsWith("alertname", StringComparison.Ordinal))
            .SelectMany(matcher => matcher.Split('"')[1].Split('|')).ToList();

        Assert.NotEmpty(named);
        Assert.Empty(named.Except(known));
    }

    [Fact]
    public async Task Alertmanager_holds_back_what_is_only_a_consequence()
    {
        WatchFiles.Need("prometheus-alertmanager", "prometheus-alertmanager");
        WatchFiles.Need("amtool", "prometheus-alertmanager");
        foreach (var pair in Pairs)
        {
            var (source, target, held) = pair.Data;
            Assert.Equal((source, target, held), (source, target, await IsHeldBackAsync(source, target)));
        }
    }

    private static async Task<bool> IsHeldBackAsync(string source, string target)
    {
        var folder = Directory.CreateTempSubdirectory("alertmanager-");
        var address = $"127.0.0.1:{Ports.Free()}";
        using var server = Process.Start(new ProcessStartInfo(
            "prometheus-alertmanager",
            [
                $"--config.file={WatchFiles.PathOf("alertmanager.yaml")}", $"--storage.path={folder.FullName}",
                $"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=error",
            ])
        { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        try
        {
            await Wait.UntilAsync(async () => (await AmtoolAsync(address, "alert", "query")).ExitCode == 0,
                awaited: "an Alertmanager that answers");
            foreach (var alert in (string[])[source, target])
            {
                var added = await AmtoolAsync(address, ["alert", "add", .. alert.Split(' ')]);
                Assert.True(added.ExitCode == 0, added.All);
            }

            // It is decided when the alerts of a group are about to be told.
            var states = new Dictionary<string, string>(StringComparer.Ordinal);
            await Wait.UntilAsync(
                async () =>
                {
                    var query = await AmtoolAsync(address, "alert", "query", "--output=json", "--active", "--inhibited", "--silenced",
                        "--unprocessed");
                    using var alerts = JsonDocument.Parse(query.Output);
                    states = alerts.RootElement.EnumerateArray().ToDictionary(
                        alert => string.Join(' ', Sorted(alert.GetProperty("labels"))),
                        alert => alert.GetProperty("status").GetProperty("state").GetString()!, StringComparer.Ordinal);
                    return states.Count == 2 && !states.ContainsValue("unprocessed");
                },
                awaited: "two alerts that were processed");
            Assert.Equal("active", states[Sorted(source)]);
            return states[Sorted(target)] == "suppressed";
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(CancellationToken.None);
            folder.Delete(recursive: true);
        }
    }

    private static string Sorted(string alert) =>
        string.Join(' ', alert.Split(' ').Select((word, i) => i == 0 ? $"alertname={word}" : word).Order(StringComparer.Ordinal));

    private static IEnumerable<string> Sorted(JsonElement labels) =>
        labels.EnumerateObject().Select(label => $"{label.Name}={label.Value.GetString()}").Order(StringComparer.Ordinal);

    private static Task<ToolResult> AmtoolAsync(string address, params string[] arguments) =>
        Tool.RunAsync("amtool", [$"--alertmanager.url=http://{address}", .. arguments]);
}
