namespace InferenceTemplate.Bench.Reporting;

/// <summary>Makes documents of what runs have written: the measured part of a Markdown document, and pages of HTML.</summary>
internal static class ReportCommand
{
    public const string Usage = "dotnet run --project Bench -- report RUN.json... TO.md|TO.html";

    public static async Task<int> RunAsync(IReadOnlyList<string> files)
    {
        if (files is not [_, _, ..] || !files.SkipLast(1).All(file => file.EndsWith(".json", StringComparison.Ordinal)))
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        var runs = new List<BenchRun>();
        foreach (var file in files.SkipLast(1))
        {
            runs.Add(await Report.ReadAsync(file));
        }

        await (files[^1].EndsWith(".html", StringComparison.Ordinal)
            ? HtmlReport.WriteAsync(files[^1], runs)
            : MarkdownReport.WriteAsync(files[^1], runs));
        return 0;
    }
}
