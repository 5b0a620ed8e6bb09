using System.Globalization;
using System.Text;

namespace InferenceTemplate.Bench.Reporting;

/// <summary>The part of docs/performance.md that is measured: what stands between its two marks, with a column for each run.</summary>
internal static class MarkdownReport
{
    public const string Begin = "<!-- measured: Bench writes from here -->";
    public const string End = "<!-- measured: to here -->";

    // A longer table is without percentiles, which the page of HTML has.
    private const int MaxRows = 20;

    /// <exception cref="InvalidDataException">The document lacks a mark.</exception>
    public static async Task WriteAsync(string path, IReadOnlyList<BenchRun> runs)
    {
        var document = await File.ReadAllTextAsync(path);
        var begin = document.IndexOf(Begin, StringComparison.Ordinal);
        var end = document.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
        {
            throw new InvalidDataException($"{path} has to have the lines '{Begin}' and '{End}'.");
        }

        await File.WriteAllTextAsync(path, $"{document[..(begin + Begin.Length)]}\n\n{Of(runs)}\n{document[end..]}");
    }

    private static string Of(IReadOnlyList<BenchRun> runs)
    {
        var text = new StringBuilder();
        for (var i = 0; i < runs.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"Run {i + 1}: `Bench -- {runs[i].Arguments}`, {runs[i].At:yyyy-MM-dd}, ")
                .Append(CultureInfo.InvariantCulture, $"{runs[i].Machine}.\n");
        }

        Table(text, "Targets", [.. runs[0].Targets.Select(target => target.What)], "goal",
            what => runs[0].Targets.First(target => target.What == what).Goal, runs, Target);
        foreach (var title in runs.SelectMany(run => run.Sections).Select(section => section.Title).Distinct(StringComparer.Ordinal))
        {
            var rows = runs.SelectMany(run => run.Sections).Where(section => section.Title == title)
                .SelectMany(section => section.Rows).DistinctBy(row => row.Name, StringComparer.Ordinal).ToList();
            if (rows.Count > MaxRows)
            {
                rows = [.. rows.Where(row => !IsPercentile(row.Name))];
            }

            Table(text, $"{char.ToUpperInvariant(title[0])}{title[1..]}", [.. rows.Select(row => row.Name)], "unit",
                name => rows.First(row => row.Name == name).Unit, runs, Row);
        }

        return text.ToString();
    }

    private static bool IsPercentile(string name) => name[(name.LastIndexOf('.') + 1)..] is ['p', >= '0' and <= '9', ..] last
        && !last.Contains("over", StringComparison.Ordinal);

    private static void Table(
        StringBuilder text, string title, IReadOnlyList<string> names, string second, Func<string, string> secondOf,
        IReadOnlyList<BenchRun> runs, Func<BenchRun, string, string> valueOf)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n### {title}\n\n| | {second} |");
        text.AppendJoin("", runs.Select((_, i) => $" run {i + 1} |")).Append("\n|---|---|");
        text.AppendJoin("", runs.Select(_ => "---|")).Append('\n');
        foreach (var name in names.Where(name => runs.Any(run => valueOf(run, name).Length > 0)))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {secondOf(name)} |");
            text.AppendJoin("", runs.Select(run => $" {valueOf(run, name)} |")).Append('\n');
        }
    }

    private static string Target(BenchRun run, string what) =>
        run.Targets.FirstOrDefault(target => target.What == what) is { Value: { } value } found
            ? found.Reached == true ? $"**{Report.Round(value)}**" : $"{Report.Round(value)} (missed)"
            : "";

    private static string Row(BenchRun run, string name) =>
        run.Sections.SelectMany(section => section.Rows).LastOrDefault(row => row.Name == name)?.Value is { } value
            ? Report.Round(value)
            : "";
}
