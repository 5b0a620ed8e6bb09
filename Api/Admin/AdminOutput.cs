using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Admin;

/// <summary>How commands tell what came of them: a table for people, or with <c>--json</c> one object a line for programs.</summary>
internal static class AdminOutput
{
    /// <summary>The actor of what is done from a shell.</summary>
    public const string Actor = "admin command";

    public static Option<bool> Json() => new("--json") { Description = "Writes JSON, one object a line." };

    /// <summary>Runs a command; what it can't reach is told in a line, not in a stack trace.</summary>
    public static void SetRun(this Command command, Func<ParseResult, CancellationToken, Task<int>> run) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                return await run(parsed, cancellationToken);
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception) || Outages.IsQueueAway(exception))
            {
                return Failed($"A server can't be reached: {(exception.InnerException ?? exception).Message}");
            }
        });

    public static void WriteJson<T>(IEnumerable<T> rows, JsonTypeInfo<T> type)
    {
        foreach (var row in rows)
        {
            Console.WriteLine(JsonSerializer.Serialize(row, type));
        }
    }

    /// <summary>Columns as wide as their widest cell.</summary>
    public static void WriteTable(string[] headings, IEnumerable<string[]> rows)
    {
        string[][] all = [headings, .. rows];
        var widths = headings.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all)
        {
            Console.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    public static string Time(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "-";

    public static int Failed(string message)
    {
        Console.Error.WriteLine(message);
        return 1;
    }
}
