namespace InferenceTemplate.Bench.Load;

/// <summary>
/// Measures several servers by turns, so that what else the machine does falls on all of them alike, and takes each one's median.
/// </summary>
internal static class Comparison
{
    public static async Task<IReadOnlyList<Measured>> RunAsync(BenchOptions options, int connections, params Target[] targets)
    {
        foreach (var target in targets)
        {
            await ClosedLoop.RunAsync(target, connections, options.WarmUp);
        }

        var rounds = targets.ToDictionary(t => t, _ => new List<LoadResult>());
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var target in targets)
            {
                rounds[target].Add(await ClosedLoop.RunAsync(target, connections, options.Round));
            }
        }

        return [.. targets.Select(t => new Measured(t.Name, rounds[t]))];
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[sorted.Length / 2];
    }
}

/// <summary>Medians over the rounds of one server.</summary>
internal sealed record Measured(string Name, IReadOnlyList<LoadResult> Rounds)
{
    public double PerSecond => Comparison.Median(Rounds.Select(r => r.PerSecond));

    public double Percentile(double fraction) => Comparison.Median(Rounds.Select(r => r.Percentile(fraction)));

    public int Failed => Rounds.Sum(r => r.Failed + r.Refused.Length);
}
