using System.Globalization;

namespace InferenceTemplate.Core.Statistics;

/// <summary>The counts of a version as fields of a Redis hash, all of which add up, but for <see cref="Last"/>.</summary>
internal static class StatisticsFields
{
    public const string Last = "last";

    private static readonly string[] Names = ["success", "fail", "queue", "input", "infer", "output", "hit", "miss"];

    public static IEnumerable<(string Name, long Value)> Of(VersionStatistics statistics)
    {
        yield return ("inferences", statistics.Inferences);
        yield return ("executions", statistics.Executions);
        for (var i = 0; i < Names.Length; i++)
        {
            yield return ($"{Names[i]}:n", statistics.Times[i].Count);
            yield return ($"{Names[i]}:ns", statistics.Times[i].Nanoseconds);
        }

        foreach (var (rows, batch) in statistics.Batches)
        {
            yield return ($"batch:{rows}:n", batch.Count);
            yield return ($"batch:{rows}:input", batch.InputNanoseconds);
            yield return ($"batch:{rows}:infer", batch.InferNanoseconds);
            yield return ($"batch:{rows}:output", batch.OutputNanoseconds);
        }
    }

    /// <summary>Adds a field to counts. One that this build does not know, a newer one's, is left out.</summary>
    public static void Add(VersionStatistics statistics, string name, long value)
    {
        var parts = name.Split(':');
        switch (parts)
        {
            case [Last]:
                statistics.LastInference = Math.Max(statistics.LastInference, value);
                break;
            case ["inferences"]:
                statistics.Inferences += value;
                break;
            case ["executions"]:
                statistics.Executions += value;
                break;
            case ["batch", var rows, var what] when int.TryParse(rows, CultureInfo.InvariantCulture, out var size):
                Add(statistics.Batch(size), what, value);
                break;
            case [var time, var what] when Array.IndexOf(Names, time) is var index and >= 0:
                var counted = statistics.Times[index];
                statistics.Times[index] = what == "n"
                    ? counted with { Count = counted.Count + value }
                    : counted with { Nanoseconds = counted.Nanoseconds + value };
                break;
        }
    }

    private static void Add(BatchTimes batch, string what, long value)
    {
        switch (what)
        {
            case "n":
                batch.Count += value;
                break;
            case "input":
                batch.InputNanoseconds += value;
                break;
            case "infer":
                batch.InferNanoseconds += value;
                break;
            case "output":
                batch.OutputNanoseconds += value;
                break;
        }
    }
}
