namespace InferenceTemplate.Core.Fleet;

/// <summary>
/// Counts of latencies in buckets whose bounds grow by a quarter from 0.1 ms: replicas' counts can be added, their
/// percentiles can't. A percentile read from them is at most a quarter too high.
/// </summary>
public sealed record LatencyBuckets(long[] Counts)
{
    private const double First = 0.0001;
    private const double Growth = 1.25;
    private const int Size = 64;

    public static LatencyBuckets Empty() => new(new long[Size]);

    public void Add(double seconds)
    {
        var index = seconds <= First ? 0 : (int)Math.Ceiling(Math.Log(seconds / First) / Math.Log(Growth));
        Interlocked.Increment(ref Counts[Math.Min(index, Size - 1)]);
    }

    public LatencyBuckets Plus(LatencyBuckets other) => new([.. Counts.Zip(other.Counts, (a, b) => a + b)]);

    /// <summary>The upper bound in seconds of the bucket that holds the quantile (0..1); null when empty.</summary>
    public double? Quantile(double quantile)
    {
        var total = Counts.Sum();
        if (total == 0)
        {
            return null;
        }

        var rank = Math.Max(1, (long)Math.Ceiling(quantile * total));
        long seen = 0;
        var index = 0;
        while ((seen += Counts[index]) < rank)
        {
            index++;
        }

        return First * Math.Pow(Growth, index);
    }
}
