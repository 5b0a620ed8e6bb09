namespace InferenceTemplate.Bench.Load;

/// <summary>What one measurement saw. Latencies are in milliseconds, and sorted.</summary>
internal sealed record LoadResult(double Seconds, double[] Accepted, double[] Refused, int Failed)
{
    /// <summary>Answered 200, in a second.</summary>
    public double PerSecond => Accepted.Length / Seconds;

    public double Percentile(double fraction) => Percentile(Accepted, fraction);

    public static double Percentile(double[] sorted, double fraction) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * fraction))];

    public static LoadResult Of(double seconds, IEnumerable<Tally> tallies)
    {
        var all = tallies.ToList();
        double[] accepted = [.. all.SelectMany(t => t.Accepted).Order()];
        double[] refused = [.. all.SelectMany(t => t.Refused).Order()];
        return new LoadResult(seconds, accepted, refused, all.Sum(t => t.Failed));
    }
}

/// <summary>What one connection saw.</summary>
internal sealed class Tally
{
    public List<double> Accepted { get; } = new(4096);

    public List<double> Refused { get; } = [];

    /// <summary>Neither 200 nor a refusal: 4xx, 504, a broken connection.</summary>
    public int Failed { get; private set; }

    public static bool IsRefusal(int status) => status is 503 or 429;

    public void Add(int status, double milliseconds)
    {
        switch (status)
        {
            case 200 or 202:
                Accepted.Add(milliseconds);
                break;
            case var refused when IsRefusal(refused):
                Refused.Add(milliseconds);
                break;
            default:
                Failed++;
                break;
        }
    }
}
