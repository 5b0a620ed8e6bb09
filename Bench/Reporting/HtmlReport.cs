using System.Globalization;
using System.Net;
using System.Text;

namespace InferenceTemplate.Bench.Reporting;

/// <summary>Every number of some runs in one page that needs nothing else, each section with bars of what has the same unit.</summary>
internal static class HtmlReport
{
    private const string Style = """
        body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color-scheme: light dark }
        table { border-collapse: collapse; width: 100% } td, th { padding: .15rem .6rem; text-align: left; white-space: nowrap }
        td.number { text-align: right; font-variant-numeric: tabular-nums } td.bar { width: 50% }
        .bar svg { display: block; width: 100%; height: .8rem } .reached { color: #0a7d33 } .missed { color: #c0392b }
        @media (prefers-color-scheme: dark) { .reached { color: #4cd07d } .missed { color: #ff8a75 } }
        """;

    public static Task WriteAsync(string path, IReadOnlyList<BenchRun> runs)
    {
        var page = new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Benchmark</title>");
        page.Append(CultureInfo.InvariantCulture, $"<style>{Style}</style><h1>Benchmark</h1>");
        foreach (var run in runs)
        {
            page.Append(CultureInfo.InvariantCulture, $"<h2>{run.At:yyyy-MM-dd HH:mm} UTC: {Text(run.Arguments)}</h2>")
                .Append(CultureInfo.InvariantCulture, $"<p>{Text(run.Machine)}</p>");
            Targets(page, run);
            foreach (var section in run.Sections)
            {
                Section(page, section);
            }
        }

        return File.WriteAllTextAsync(path, page.ToString());
    }

    private static void Targets(StringBuilder page, BenchRun run)
    {
        page.Append("<table><tr><th>Target</th><th>Goal</th><th>Here</th><th></th></tr>");
        foreach (var target in run.Targets.Where(target => target.Value is not null))
        {
            var state = target.Reached == true ? "reached" : "missed";
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(target.What)}</td><td>{Text(target.Goal)}</td>")
                .Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{Report.Round(target.Value!.Value)}</td>")
                .Append(CultureInfo.InvariantCulture, $"<td class=\"{state}\">{state}</td></tr>");
        }

        page.Append("</table>");
    }

    private static void Section(StringBuilder page, ReportSection section)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h3>{Text(section.Title)}</h3><table>");
        var most = section.Rows.GroupBy(row => row.Unit, StringComparer.Ordinal)
            .ToDictionary(rows => rows.Key, rows => rows.Max(row => row.Value ?? 0), StringComparer.Ordinal);
        foreach (var row in section.Rows)
        {
            var share = most[row.Unit] > 0 ? Math.Max(0, 100 * (row.Value ?? 0) / most[row.Unit]) : 0;
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(row.Name)}</td>")
                .Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{Report.Round(row.Value ?? double.NaN)}</td>")
                .Append(CultureInfo.InvariantCulture, $"<td>{Text(row.Unit)}</td><td class=\"bar\">")
                .Append(CultureInfo.InvariantCulture, $"<svg role=\"img\" aria-label=\"{share:0} % of the most\">")
                .Append(CultureInfo.InvariantCulture, $"<rect width=\"{share:0.#}%\" height=\"100%\" rx=\"2\" fill=\"#4a7dcf\"/></svg></td></tr>");
        }

        page.Append("</table>");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
