using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// What an inspecting process has told, as far as it got, in lines: that it has started, before it looks at the model; reports, of which the
/// last says most; then the number of each set of dimensions that it tries to make 0 (<see cref="EmptyTrials"/>), and those on which the
/// model has run; then which numbers it tries (<see cref="ValueTrials"/>). A line that was cut off counts for nothing.
/// </summary>
/// <param name="Report">Null where there is none, or none that can be read.</param>
/// <param name="LastTried">The set that was tried last; null where none was.</param>
internal sealed record InspectionOutput(InspectionReport? Report, IReadOnlyList<EmptyExtent[]> HaveRun, int? LastTried)
{
    public const string Started = "started";

    /// <summary>Whether whatever became of it may be the model's fault.</summary>
    public bool HasStarted { get; init; }

    /// <summary>What it was at when it ended.</summary>
    public ValueTrial LastValues { get; init; }

    public static string Tries(ValueTrial trial) => $"values {trial}";

    public static string Tries(int set) => set.ToString(CultureInfo.InvariantCulture);

    public static string HasRun(IReadOnlyList<EmptyExtent> empty) =>
        JsonSerializer.Serialize([.. empty], InspectionJson.Default.EmptyExtentArray);

    public static InspectionOutput Read(string output)
    {
        var read = new InspectionOutput(Report: null, [], LastTried: null);
        List<EmptyExtent[]> haveRun = [];
        var whole = output[..(output.LastIndexOf('\n') + 1)];
        foreach (var line in whole.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            try
            {
                if (line == Tries(ValueTrial.Others) || line == Tries(ValueTrial.Smallest))
                {
                    read = read with { LastValues = line == Tries(ValueTrial.Smallest) ? ValueTrial.Smallest : ValueTrial.Others };
                }
                else if (line == Started)
                {
                    read = read with { HasStarted = true };
                }
                else if (line[0] == '[')
                {
                    haveRun.Add(JsonSerializer.Deserialize(line, InspectionJson.Default.EmptyExtentArray)!);
                }
                else if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var set))
                {
                    read = read with { LastTried = set };
                }
                else if (JsonSerializer.Deserialize(line, InspectionJson.Default.InspectionReport) is { } report
                    && (report.Model is null) != (report.Reason is null))
                {
                    read = read with { Report = report };
                }
            }
            catch (JsonException)
            {
                // Whatever else a library prints.
            }
        }

        return read with { HaveRun = haveRun };
    }
}
