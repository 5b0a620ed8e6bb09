namespace InferenceTemplate.AppHost.Monitoring;

/// <summary>What many queries share.</summary>
internal static class Promql
{
    /// <summary>
    /// Selects series of this installation. The chart puts its own namespace there, dashboards their variable.
    /// </summary>
    public const string Here = "namespace=\"inference-template\"";

    /// <summary>Requests that wait or run. Every replica of the Api shows the same numbers, so the maximum of them is taken.</summary>
    public const string Waiting = $$"""max by (namespace, model, version, priority) (inference_queue_depth{{{Here}}})""";

    /// <summary>The share of requests that failed by our fault, by labels.</summary>
    /// <param name="metric">The count of a duration's histogram.</param>
    public static string ErrorRate(string metric, string by, string window) => $$"""
        sum by ({{by}}) (rate({{metric}}{{{Here}},http_response_status_code=~"5.."}[{{window}}]))
          / sum by ({{by}}) (rate({{metric}}{{{Here}}}[{{window}}]))
        """;

    public static string Percentile(double part, string metric, string by) => FormattableString.Invariant(
        $$"""histogram_quantile({{part}}, sum by ({{by}}, le) (rate({{metric}}_bucket{{{Here}}}[5m])))""");

    /// <summary>Hits of all lookups, where there are enough of them.</summary>
    public static string HitRate(string cache, string by, int lookups)
    {
        var all = Rate($"{cache}_hits_total", by) + " + " + Rate($"{cache}_misses_total", by);
        return FormattableString.Invariant($"{Rate($"{cache}_hits_total", by)}\n  / ({all} > {lookups})");
    }

    public static string Rate(string counter, string by) => $$"""sum by ({{by}}) (rate({{counter}}{{{Here}}}[5m]))""";
}
