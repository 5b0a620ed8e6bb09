using System.Globalization;
using System.Text.Json;

namespace InferenceTemplate.Bench.Reporting;

/// <summary>What was measured, by name: printed as it comes, written as JSON at the end.</summary>
internal sealed class Report
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly TextWriter _out = Console.Out;
    private readonly Dictionary<string, double> _values = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, double> Values => _values;

    public double? this[string name] => _values.TryGetValue(name, out var value) ? value : null;

    public void Section(string title)
    {
        _out.WriteLine();
        _out.WriteLine(title);
    }

    /// <param name="name">Dots between its parts, such as <c>tiny.json.c64.product</c>.</param>
    public void Add(string name, double value, string unit)
    {
        _values[name] = value;
        _out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-46} {Round(value),12} {unit}"));
    }

    /// <summary>One measurement over another; nothing where either is missing.</summary>
    public void AddRatio(string name, string over, string under)
    {
        if (this[over] is { } a && this[under] is { } b && b != 0)
        {
            Add(name, a / b, "ratio");
        }
    }

    public void Note(string text) => _out.WriteLine($"  {text}");

    public async Task WriteAsync(string path, IEnumerable<TargetResult> targets)
    {
        await using var file = File.Create(path);
        await JsonSerializer.SerializeAsync(
            file,
            new
            {
                machine = Machine.Describe(),
                values = _values.ToDictionary(v => v.Key, v => double.IsFinite(v.Value) ? v.Value : (double?)null, StringComparer.Ordinal),
                targets,
            },
            Indented);
    }

    internal static string Round(double value) => double.IsNaN(value)
        ? "-"
        : value.ToString(Math.Abs(value) switch { >= 100 => "N0", >= 10 => "F1", >= 1 => "F2", _ => "F3" }, CultureInfo.InvariantCulture);
}
