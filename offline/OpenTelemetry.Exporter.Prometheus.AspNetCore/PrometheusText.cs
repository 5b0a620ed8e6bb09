using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace OpenTelemetry.Exporter;

/// <summary>Writes the text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).</summary>
internal sealed class PrometheusText
{
    private readonly StringBuilder _text = new();

    public override string ToString() => _text.ToString();

    public void AppendTargetInfo(Resource resource)
    {
        if (!resource.Attributes.Any()) return;

        AppendHead("target_info", "gauge", "Target metadata");
        _text.Append(CultureInfo.InvariantCulture, $"target_info{{{Labels(resource.Attributes.Select(one => KeyValuePair.Create(one.Key, (object?)one.Value)))}}} 1\n");
    }

    public void AppendFamily(IReadOnlyList<PrometheusFamily> metrics)
    {
        var (name, type, _) = metrics[0];
        AppendHead(name, type, metrics.Select(family => family.Metric.Description).FirstOrDefault(help => !string.IsNullOrEmpty(help)));
        foreach (var (_, _, metric) in metrics)
        {
            foreach (ref readonly var point in metric.GetMetricPoints())
            {
                var labels = Labels(Scope(metric).Concat(Tags(point.Tags)));
                if (metric.MetricType == MetricType.Histogram) AppendHistogram(name, labels, point);
                else _text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {Value(metric.MetricType, point)}\n");
            }
        }
    }

    private void AppendHead(string name, string type, string? help)
    {
        _text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
        if (!string.IsNullOrEmpty(help)) _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {Escape(help)}\n");
    }

    private void AppendHistogram(string name, string labels, in MetricPoint point)
    {
        long count = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            count += bucket.BucketCount;
            _text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels},le=\"{Number(bucket.ExplicitBound)}\"}} {count}\n");
        }

        _text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {Number(point.GetHistogramSum())}\n");
        _text.Append(CultureInfo.InvariantCulture, $"{name}_count{{{labels}}} {point.GetHistogramCount()}\n");
    }

    private static string Value(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => Number(point.GetSumLong()),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => Number(point.GetSumDouble()),
        MetricType.LongGauge => Number(point.GetGaugeLastValueLong()),
        _ => Number(point.GetGaugeLastValueDouble()),
    };

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static IEnumerable<KeyValuePair<string, object?>> Scope(Metric metric)
    {
        yield return new("otel_scope_name", metric.MeterName);
        if (!string.IsNullOrEmpty(metric.MeterVersion)) yield return new("otel_scope_version", metric.MeterVersion);
        foreach (var tag in metric.MeterTags ?? []) yield return new("otel_scope_" + tag.Key, tag.Value);
    }

    private static List<KeyValuePair<string, object?>> Tags(ReadOnlyTagCollection tags)
    {
        var list = new List<KeyValuePair<string, object?>>();
        foreach (var tag in tags) list.Add(tag);
        return list;
    }

    // Two attributes may become one label name; the specification joins their values by a semicolon.
    private static string Labels(IEnumerable<KeyValuePair<string, object?>> attributes) => string.Join(',', attributes
        .GroupBy(attribute => PrometheusFamily.Sanitize(attribute.Key, colon: false), attribute => Text(attribute.Value))
        .Select(label => $"{label.Key}=\"{Escape(string.Join(';', label)).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        double number => Number(number),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
