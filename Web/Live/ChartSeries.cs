namespace InferenceTemplate.Web.Live;

/// <summary>One line or area of a chart.</summary>
/// <param name="Color">In CSS.</param>
/// <param name="Points">The oldest first.</param>
public sealed record ChartSeries(string Name, string Color, IReadOnlyList<ChartPoint> Points)
{
    /// <summary>More are told apart by nobody.</summary>
    public const int Most = 6;

    private const string OthersColor = "var(--muted)";

    /// <summary>The largest by name, and the others as one, for what adds up.</summary>
    /// <param name="values">A number for each of the ages, by name.</param>
    public static IReadOnlyList<ChartSeries> Stack(
        IReadOnlyList<double> ages, IEnumerable<(string Name, IReadOnlyList<double> Values)> values)
    {
        var sums = values.GroupBy(one => one.Name, StringComparer.Ordinal)
            .Select(group => (Name: group.Key, Values: Add(group.Select(one => one.Values), ages.Count)))
            .Where(one => one.Values.Any(value => value > 0))
            .OrderByDescending(one => one.Values.Sum()).ThenBy(one => one.Name, StringComparer.Ordinal).ToList();
        var shown = sums.Take(Most).OrderBy(one => one.Name, StringComparer.Ordinal)
            .Select((one, index) => new ChartSeries(one.Name, ColorOf(index), PointsOf(ages, one.Values)));
        var others = Add(sums.Skip(Most).Select(one => one.Values), ages.Count);
        return sums.Count <= Most ? [.. shown] : [.. shown, new($"{sums.Count - Most} others", OthersColor, PointsOf(ages, others))];
    }

    public static string ColorOf(int index) => index < Most ? $"var(--chart-{index + 1})" : OthersColor;

    private static double[] Add(IEnumerable<IReadOnlyList<double>> all, int count) =>
        all.Aggregate(new double[count], (sum, values) => [.. sum.Zip(values, (one, other) => one + other)]);

    private static ChartPoint[] PointsOf(IReadOnlyList<double> ages, IEnumerable<double> values) =>
        [.. ages.Zip(values, (age, value) => new ChartPoint(age, value))];
}

/// <param name="Age">Seconds relative to the right edge, so 0 or negative.</param>
/// <param name="Value">Null for a gap.</param>
public sealed record ChartPoint(double Age, double? Value);
