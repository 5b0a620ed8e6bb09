using System.Text;
using OpenTelemetry.Metrics;

namespace OpenTelemetry.Exporter;

/// <summary>
/// A metric under its Prometheus name and type, after the OpenTelemetry specification's compatibility/prometheus_and_openmetrics:
/// characters outside [a-zA-Z0-9_:] become one underscore, then come the unit in words and, for counters, <c>_total</c>.
/// </summary>
internal sealed record PrometheusFamily(string Name, string Type, Metric Metric)
{
    public static PrometheusFamily? Of(Metric metric)
    {
        var type = metric.MetricType switch
        {
            MetricType.LongSum or MetricType.DoubleSum => "counter",
            MetricType.LongGauge or MetricType.DoubleGauge => "gauge",
            MetricType.LongSumNonMonotonic or MetricType.DoubleSumNonMonotonic => "gauge",
            MetricType.Histogram => "histogram",
            _ => null, // the text format cannot carry an exponential histogram
        };
        return type is null ? null : new PrometheusFamily(NameOf(metric.Name, metric.Unit, type == "counter"), type, metric);
    }

    internal static string NameOf(string metric, string? unit, bool counter)
    {
        var name = Sanitize(metric, colon: true);
        var suffix = UnitOf(unit ?? "");
        if (suffix.Length > 0 && !name.EndsWith(suffix, StringComparison.Ordinal)
            && !(counter && name.EndsWith($"{suffix}_total", StringComparison.Ordinal)))
        {
            name += "_" + suffix;
        }

        return counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    internal static string Sanitize(string name, bool colon)
    {
        var text = new StringBuilder(name.Length + 1);
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) text.Append('_');
        foreach (var c in name)
        {
            if (char.IsAsciiLetterOrDigit(c) || (colon && c == ':')) text.Append(c);
            else if (text.Length == 0 || text[^1] != '_') text.Append('_');
        }

        return text.ToString();
    }

    // UCUM to words; what stands in braces is an annotation ("{request}"), not a unit.
    private static string UnitOf(string unit)
    {
        for (var open = unit.IndexOf('{', StringComparison.Ordinal); open >= 0; open = unit.IndexOf('{', StringComparison.Ordinal))
        {
            var close = unit.IndexOf('}', open);
            if (close < 0) break;
            unit = unit.Remove(open, close - open + 1);
        }

        var slash = unit.IndexOf('/', StringComparison.Ordinal);
        var words = slash < 0 || slash == unit.Length - 1 ? Word(unit) : $"{Word(unit[..slash])}_per_{PerWord(unit[(slash + 1)..])}";
        return Sanitize(words, colon: true).Trim('_');
    }

    private static string Word(string unit) => unit switch
    {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" or "B" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "KBy" or "KB" => "kilobytes",
        "MBy" or "MB" => "megabytes",
        "GBy" or "GB" => "gigabytes",
        "J" => "joules",
        "W" => "watts",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        "1" => "",
        _ => unit,
    };

    private static string PerWord(string unit) => unit switch
    {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        _ => unit,
    };
}
