using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace InferenceTemplate.Web.Components.Playground;

/// <summary>
/// Rows of a request from a CSV file (RFC 4180): a column for each input by its name, or, for a model of one input, its numbers in
/// order.
/// </summary>
internal static class CsvRows
{
    public const int MaxBytes = 4 << 20;
    private const int MaxRows = 10_000;

    /// <summary>Whether rows of these inputs can come from a file: each takes any number of rows, of one value or, alone, of several.</summary>
    public static bool Fits(IReadOnlyList<TensorField> fields) =>
        fields.Count > 0 && fields.All(field => !field.IsImage && field.Signature.Shape is [< 0, ..] && Width(field) > 0
            && (field.IsSingle || fields.Count == 1));

    /// <summary>Fills the fields; what is wrong with the file, or null.</summary>
    public static string? Fill(IReadOnlyList<TensorField> fields, string csv)
    {
        var lines = Parse(csv).Where(line => line is not [""]).ToList();
        if (lines.Count == 0)
        {
            return "The file has no rows.";
        }

        var (columns, named, problem) = Columns(fields, lines[0]);
        if (problem is not null)
        {
            return problem;
        }

        // Else the part behind a decimal comma would be left out without a word.
        var rows = named ? lines[1..] : lines;
        var width = named && fields[0].IsSingle ? lines[0].Length : (int)Math.Min(int.MaxValue, Width(fields[0]));
        var odd = rows.FindIndex(row => row.Length != width);
        if (odd >= 0)
        {
            return $"Line {odd + (named ? 2 : 1)}: {rows[odd].Length} values given, {width} expected. Values have commas between them, and a "
                + "point before their decimals.";
        }

        if (rows.Count is 0 or > MaxRows)
        {
            return rows.Count == 0
                ? "The file has a line of names only."
                : $"The file has {rows.Count} rows; at most {MaxRows} are sent from here.";
        }

        var filled = new List<string>();
        for (var i = 0; i < fields.Count; i++)
        {
            var (data, wrong) = Write(fields[i], rows, columns[i], named ? 2 : 1);
            if (wrong is not null)
            {
                return wrong;
            }

            filled.Add(data!);
        }

        for (var i = 0; i < fields.Count; i++)
        {
            fields[i].TakeRows(rows.Count, filled[i]);
        }

        return null;
    }

    private static long Width(TensorField field) =>
        field.Signature.Shape.Skip(1).Aggregate(1L, (product, size) => product * (size < 0 && field.IsSingle ? 1 : size));

    // Where each input begins in a line.
    private static (int[] Columns, bool Named, string? Problem) Columns(IReadOnlyList<TensorField> fields, string[] first)
    {
        var names = first.Select(name => name.Trim()).ToList();
        int[] found = [.. fields.Select(field => names.IndexOf(field.Signature.Name))];
        if (fields.All(field => field.IsSingle) && (fields.Count > 1 || found[0] >= 0))
        {
            var missing = fields.Where((_, i) => found[i] < 0).Select(field => field.Signature.Name).ToList();
            return missing.Count == 0
                ? (found, true, null)
                : (found, true, $"The first line must name the inputs; it lacks {string.Join(", ", missing)}.");
        }

        var isNumbers = double.TryParse(names[0], NumberStyles.Float, CultureInfo.InvariantCulture, out _);
        return ([0], !isNumbers && fields[0].Signature.Datatype is not ("BYTES" or "BOOL"), null);
    }

    private static (string? Data, string? Wrong) Write(TensorField field, List<string[]> rows, int column, int firstLine)
    {
        var (name, width) = (field.Signature.Name, (int)Math.Min(int.MaxValue, Width(field)));
        var data = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(data);
        json.WriteStartArray();
        for (var i = 0; i < rows.Count; i++)
        {
            foreach (var text in rows[i].AsSpan(column, width))
            {
                if (!Write(json, field.Signature.Datatype, text))
                {
                    return (null, $"Line {i + firstLine}: '{text}' is no {field.Signature.Datatype} for {name}.");
                }
            }
        }

        json.WriteEndArray();
        json.Flush();
        return (Encoding.UTF8.GetString(data.WrittenSpan), null);
    }

    private static bool Write(Utf8JsonWriter json, string datatype, string text)
    {
        switch (datatype)
        {
            case "BYTES":
                json.WriteStringValue(text);
                return true;
            case "BOOL":
                var isTrue = text.Trim() is "1" || text.Trim().Equals("true", StringComparison.OrdinalIgnoreCase);
                json.WriteBooleanValue(isTrue);
                return isTrue || text.Trim() is "0" || text.Trim().Equals("false", StringComparison.OrdinalIgnoreCase);
            case var _ when long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole):
                json.WriteNumberValue(whole);
                return true;
            default:
                if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
                {
                    return false;
                }

                json.WriteNumberValue(number);
                return true;
        }
    }

    private static IEnumerable<string[]> Parse(string csv)
    {
        var (line, cell, quoted) = (new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < csv.Length; i++)
        {
            var c = csv[i];
            if (quoted)
            {
                if (c != '"')
                {
                    cell.Append(c);
                }
                else if (i + 1 < csv.Length && csv[i + 1] == '"')
                {
                    cell.Append(csv[++i]);
                }
                else
                {
                    quoted = false;
                }
            }
            else if (c == '"' && cell.Length == 0)
            {
                quoted = true;
            }
            else if (c is ',' or '\n')
            {
                line.Add(cell.ToString());
                cell.Clear();
                if (c == '\n')
                {
                    yield return [.. line];
                    line.Clear();
                }
            }
            else if (c != '\r')
            {
                cell.Append(c);
            }
        }

        if (cell.Length > 0 || line.Count > 0)
        {
            line.Add(cell.ToString());
            yield return [.. line];
        }
    }
}
