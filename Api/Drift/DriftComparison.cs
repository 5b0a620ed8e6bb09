namespace InferenceTemplate.Api.Drift;

/// <summary>How far apart two distributions are, and how far chance alone would bring them.</summary>
/// <param name="Psi">Population stability index.</param>
/// <param name="PsiByChance">What <paramref name="Psi"/> exceeds by chance once in a million comparisons.</param>
/// <param name="Ks">Largest distance of the distribution functions, 0 to 1; null for categories, which have no order.</param>
/// <param name="KsByChance">As for the index.</param>
public sealed record DriftComparison(double Psi, double PsiByChance, double? Ks, double? KsByChance)
{
    /// <summary>Of either side: with fewer requests nothing is said.</summary>
    public const int MinRequests = 300;

    // Bins of the baseline have a tenth of its weight, or one value that has more.
    private const double BinShare = 0.1;

    // A bin is a category with so much weight, or several rarer ones.
    private const double CategoryShare = 0.02;

    // Quantile of the normal distribution at 1 - 1e-6, and of Kolmogorov's: sqrt(-ln(1e-6 / 2) / 2).
    private const double NormalQuantile = 4.7534;
    private const double KolmogorovQuantile = 2.6935;

    /// <summary>Far enough to matter, and farther than chance would bring them.</summary>
    public bool IsDrift(double psi, double ks) => (Psi >= psi && Psi > PsiByChance) || (Ks >= ks && Ks > KsByChance);

    public static DriftComparison Of(DriftDistribution baseline, DriftDistribution now, bool isCategorical)
    {
        var (n, m) = (Math.Max(1, baseline.Requests), Math.Max(1, now.Requests));
        var (expected, actual) = isCategorical ? Categories(baseline, now) : Numbers(baseline, now);
        expected = [.. expected, baseline.NotFinite, baseline.Empty];
        actual = [.. actual, now.NotFinite, now.Empty];

        // Without differences the index is distributed as chi-squared with a degree of freedom for each bin but one, times 1/n + 1/m
        // (Yurdakul and Naranjo, "Statistical properties of the population stability index", 2020).
        var used = expected.Where((share, i) => share > 0 || actual[i] > 0).Count();
        var chance = ChiSquared(Math.Max(1, used - 1)) * ((1.0 / n) + (1.0 / m));
        return isCategorical
            ? new(Index(expected, n, actual, m), chance, null, null)
            : new(
                Index(expected, n, actual, m), chance,
                Distance(baseline, now), Math.Min(1, KolmogorovQuantile * Math.Sqrt((1.0 / n) + (1.0 / m))));
    }

    // Half a request is added to each bin: an empty one must not make the index infinite.
    private static double Index(double[] expected, int n, double[] actual, int m)
    {
        var index = 0.0;
        for (var i = 0; i < expected.Length; i++)
        {
            var before = (expected[i] + 0.5) / (n + (0.5 * expected.Length));
            var after = (actual[i] + 0.5) / (m + (0.5 * expected.Length));
            index += (after - before) * Math.Log(after / before);
        }

        return index;
    }

    private static (double[] Expected, double[] Actual) Categories(DriftDistribution baseline, DriftDistribution now)
    {
        var (bins, next, gathered, weight) = (new Dictionary<double, int>(), 1, 0, 0.0);
        foreach (var point in baseline.Points)
        {
            if (point.Weight >= CategoryShare * baseline.Requests)
            {
                bins[point.Value] = next++;
                continue;
            }

            gathered = weight == 0 ? next++ : gathered;
            bins[point.Value] = gathered;
            weight += point.Weight;
            weight = weight >= CategoryShare * baseline.Requests ? 0 : weight;
        }

        return (Counts(baseline), Counts(now));

        // The first is for what the baseline has not.
        double[] Counts(DriftDistribution of)
        {
            var counts = new double[next];
            foreach (var point in of.Points)
            {
                counts[bins.GetValueOrDefault(point.Value)] += point.Weight;
            }

            return counts;
        }
    }

    private static (double[] Expected, double[] Actual) Numbers(DriftDistribution baseline, DriftDistribution now)
    {
        var edges = Edges(baseline);
        return (Counts(baseline), Counts(now));

        double[] Counts(DriftDistribution of)
        {
            var counts = new double[edges.Count + 1];
            foreach (var point in of.Points)
            {
                // The first edge that is not below the value; beyond all of them is the last bin.
                var place = edges.BinarySearch(point.Value);
                counts[place < 0 ? ~place : place] += point.Weight;
            }

            return counts;
        }
    }

    // Upper edges, each in its bin. A value that has a bin's weight alone gets one of its own: what is constant has one of it, and empty
    // ones below and above.
    private static List<double> Edges(DriftDistribution baseline)
    {
        var edges = new List<double>();
        var (least, sum) = (BinShare * baseline.Points.Sum(p => p.Weight), 0.0);
        foreach (var point in baseline.Points)
        {
            if (point.Weight >= least)
            {
                var below = Math.BitDecrement(point.Value);
                if (edges.Count == 0 || edges[^1] < below)
                {
                    edges.Add(below);
                }

                edges.Add(point.Value);
                sum = 0;
            }
            else if ((sum += point.Weight) >= least)
            {
                edges.Add(point.Value);
                sum = 0;
            }
        }

        return edges;
    }

    // What is not finite or empty counts as beyond all values.
    private static double Distance(DriftDistribution baseline, DriftDistribution now)
    {
        var (distance, i, j, before, after) = (0.0, 0, 0, 0.0, 0.0);
        var (a, b) = (baseline.Points, now.Points);
        var (n, m) = (Math.Max(1, baseline.Requests), Math.Max(1, now.Requests));
        while (i < a.Length || j < b.Length)
        {
            var value = i == a.Length ? b[j].Value : j == b.Length ? a[i].Value : Math.Min(a[i].Value, b[j].Value);
            for (; i < a.Length && a[i].Value <= value; i++)
            {
                before += a[i].Weight / n;
            }

            for (; j < b.Length && b[j].Value <= value; j++)
            {
                after += b[j].Weight / m;
            }

            distance = Math.Max(distance, Math.Abs(before - after));
        }

        return distance;
    }

    // Wilson and Hilferty's approximation of the quantile at 1 - 1e-6.
    private static double ChiSquared(int degrees)
    {
        var part = 2.0 / (9 * degrees);
        return degrees * Math.Pow(1 - part + (NormalQuantile * Math.Sqrt(part)), 3);
    }
}
