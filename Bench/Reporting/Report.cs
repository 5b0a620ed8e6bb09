using System.Globalization;
using System.Text.Json;

namespace InferenceTemplate.Bench.Reporting;

/// <summary>What was measured: printed as it comes, kept as a <see cref="BenchRun"/> at the end.</summary>
internal sealed class Report
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly TextWriter _out = Console.Out;
    private readonly Dictionary<string, double> _values = new(StringComparer.Ordinal);
    private readonly List<ReportSection> _sections = [];

    public double? this[string name] => _values.TryGetValue(name, out var value) ? value : null;

    public void Section(string title)
    {
        _sections.Add(new(title, []));
        _out.WriteLine();
        _out.WriteLine(title);
    }

    /// <param name="name">Dots between its parts, such as <c>tiny.json.c64.product</c>.</param>
    public void Add(string name, double value, string unit)
    {
        _values[name] = value;
        _sections[^1].Rows.Add(new(name, double.IsFinite(value) ? value : null, unit));
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

    public async Task WriteAsync(string path, IEnumerable<string> args, IReadOnlyList<TargetResult> targets)
    {
        await using var file = File.Create(path);
        var run = new BenchRun(Machine.Describe(), DateTimeOffset.UtcNow, string.Join(' ', args), targets, _sections);
        await JsonSerializer.SerializeAsync(file, run, Indented);
    }

    public static async Task<BenchRun> ReadAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return await JsonSerializer.DeserializeAsync<BenchRun>(file, Indented)
            ?? throw new InvalidDataException($"{path} has no run of this program.");
    }

    internal static string Round(double value) => double.IsNaN(value)
        ? "-"
        : value.ToString(Math.Abs(value) switch { >= 100 => "N0", >= 10 => "F1", >= 1 => "F2", _ => "F3" }, CultureInfo.InvariantCulture);
}

/// <summary>One run of the benchmark, as <c>--json</c> writes it.</summary>
/// <param name="Arguments">What it was started with.</param>
internal sealed record BenchRun(
    string Machine, DateTimeOffset At, string Arguments, IReadOnlyList<TargetResult> Targets, IReadOnlyList<ReportSection> Sections);

internal sealed record ReportSection(string Title, List<ReportRow> Rows);

/// <param name="Value">Null where there was nothing to measure.</param>
internal sealed record ReportRow(string Name, double? Value, string Unit);
