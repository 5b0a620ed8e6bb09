using System.Globalization;
using System.Text;

namespace InferenceTemplate.Bench.Reporting;

/// <summary>
/// The part of docs/performance.md that is measured: what stands between its two marks, each target with a column for each run. The page
/// of HTML has every number.
/// </summary>
internal static class MarkdownReport
{
    public const string Begin = "<!-- measured: Bench writes from here -->";
    public const string End = "<!-- measured: to here -->";

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

        text.Append("\n| target | goal |").AppendJoin("", runs.Select((_, i) => $" run {i + 1} |"));
        text.Append("\n|---|---|").AppendJoin("", runs.Select(_ => "---|")).Append('\n');
        foreach (var target in runs[0].Targets.Where(target => runs.Any(run => Shown(run, target.What).Length > 0)))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {target.What} | {target.Goal} |");
            text.AppendJoin("", runs.Select(run => $" {Shown(run, target.What)} |")).Append('\n');
        }

        return text.ToString();
    }

    private static string Shown(BenchRun run, string what) =>
        run.Targets.FirstOrDefault(target => target.What == what) is { Value: { } value } found
            ? found.Reached == true ? $"**{Report.Round(value)}**" : Report.Round(value)
            : "";
}
