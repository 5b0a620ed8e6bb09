using InferenceTemplate.AppHost.Kubernetes.Rendering;
using InferenceTemplate.AppHost.Monitoring.Grafana;
using InferenceTemplate.Core.Objectives;
using static System.FormattableString;
using static InferenceTemplate.AppHost.Monitoring.Promql;

namespace InferenceTemplate.AppHost.Monitoring.Alerts;

/// <summary>What the service promises: a share of requests that are good, over 30 days.</summary>
/// <param name="Share">Of good requests, between 0 and 1.</param>
/// <param name="Bad">The share of bad requests in a window.</param>
internal sealed record Objective(string Name, double Share, Func<string, string> Bad)
{
    /// <summary>The share of requests that may be bad, without the tail of a binary fraction.</summary>
    public double Budget => ServiceObjectives.BudgetOf(Share);
}

/// <summary>
/// Objectives as recorded series, and alerts on the rate at which their budgets burn: each in a long window, so that a moment does not
/// wake anybody, and a short one, so that it ends soon after the fault (the method of Google's SRE workbook, "Alerting on SLOs").
/// </summary>
internal static class Objectives
{
    private const string Requests = "inference_request_duration_seconds";

    public static IReadOnlyList<Objective> All(Thresholds at) =>
    [
        new("availability", at.Availability, window => ErrorRate($"{Requests}_count", "namespace", window) + "\n  or " + NoErrors(window)),
        new("latency", at.Fast, window => Invariant($$"""
            1 - sum by (namespace) (rate({{Requests}}_bucket{{{Here}},le="{{at.LatencySeconds}}"}[{{window}}]))
              / sum by (namespace) (rate({{Requests}}_count{{{Here}}}[{{window}}]))
            """)),
    ];

    public static string Recorded(string window) => $"slo:bad_requests:ratio_rate{window}";

    public static IEnumerable<RuleGroup> Groups(Thresholds at) =>
    [
        new("slo-short", Recordings(at, "5m", "30m", "1h", "2h", "6h")),
        new("slo-long", Recordings(at, "1d", "3d", "30d"), "5m"),
        new("slo-alerts", [.. All(at).SelectMany(Alerts).Select(alert => alert.Rule())]),
    ];

    // Without a failure there is no series of failures, and their share would be unknown instead of nothing.
    private static string NoErrors(string window) => $$"""sum by (namespace) (rate({{Requests}}_count{{{Here}}}[{{window}}])) * 0""";

    private static List<Map> Recordings(Thresholds at, params string[] windows) =>
    [
        .. from objective in All(at)
           from window in windows
           select new Map
           {
               ["record"] = Recorded(window),
               ["expr"] = objective.Bad(window),
               ["labels"] = new Map { ["slo"] = objective.Name },
           },
    ];

    private static IEnumerable<Alert> Alerts(Objective objective) => ServiceObjectives.Burns.Select(burn =>
    {
        var (most, least) = (BurnRule.NameOf(burn.Long), BurnRule.NameOf(burn.Short));
        return new Alert(
            "ErrorBudgetBurn",
            burn.Priority switch { 1 => Severity.P1, 2 => Severity.P2, _ => Severity.P3 },
            Invariant($$"""
            {{Recorded(most)}}{{{Here}},slo="{{objective.Name}}"} > {{burn.Rate}} * {{objective.Budget}}
              and {{Recorded(least)}}{{{Here}},slo="{{objective.Name}}"} > {{burn.Rate}} * {{objective.Budget}}
            """),
            (int)burn.For.TotalMinutes,
            "The budget for {{ $labels.slo }} burns " + Invariant($"{burn.Rate}") + " times as fast as it may",
            "{{ $value | humanizePercentage }} of the requests of the last " + most
            + Invariant($" were bad; {objective.Budget:P1} of 30 days may be.").Replace(" %", "%", StringComparison.Ordinal),
            "error-budget-burns",
            ServerBoards.Slo["Burn rate"])
        {
            Labels = new() { ["slo"] = objective.Name, ["window"] = most },
        };
    });
}
