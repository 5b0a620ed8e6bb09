using System.Runtime.InteropServices;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Drift;

/// <summary>A value, and how many requests it stands for.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct WeightedValue(double Value, double Weight);

/// <summary>
/// What the values of a tensor were like over some requests. Each request weighs one, however many values were taken of it: those of one
/// request say little of each other's chance, so requests are what is counted where chance is.
/// </summary>
/// <param name="Points">By value; their weights, those that were not finite and those that were empty add up to the requests.</param>
public sealed record DriftDistribution(int Requests, double NotFinite, double Empty, WeightedValue[] Points)
{
    /// <summary>Of a window. A quantile is at most half of a 64th off.</summary>
    public const int WindowPoints = 64;

    /// <summary>Of a baseline, which is many windows.</summary>
    public const int BaselinePoints = 256;

    /// <summary>Of what one tensor of one request had: an empty one weighs as such.</summary>
    public static DriftDistribution Of(IReadOnlyCollection<double[]> requests, int points)
    {
        var (values, notFinite, empty) = (new List<WeightedValue>(), 0.0, 0.0);
        foreach (var request in requests)
        {
            empty += request.Length == 0 ? 1 : 0;
            foreach (var value in request)
            {
                if (double.IsFinite(value))
                {
                    values.Add(new(value, 1.0 / request.Length));
                }
                else
                {
                    notFinite += 1.0 / request.Length;
                }
            }
        }

        return new(requests.Count, notFinite, empty, Compress(values, points));
    }

    public static DriftDistribution Of(DriftDistributionRow row) => new(
        row.Requests, row.NotFinite, row.Empty, [.. row.Values.Zip(row.Weights, (value, weight) => new WeightedValue(value, weight))]);

    /// <summary>All of them together: of several replicas, or of one after the other.</summary>
    /// <param name="points">Null to keep all points.</param>
    public static DriftDistribution Merge(IReadOnlyCollection<DriftDistribution> parts, int? points = null) => new(
        parts.Sum(p => p.Requests),
        parts.Sum(p => p.NotFinite),
        parts.Sum(p => p.Empty),
        Compress([.. parts.SelectMany(p => p.Points)], points ?? int.MaxValue));

    /// <summary>The value below which a share of the finite ones is; null where there are none.</summary>
    public double? Quantile(double share)
    {
        var (wanted, sum) = (share * Points.Sum(p => p.Weight), 0.0);
        foreach (var point in Points)
        {
            sum += point.Weight;
            if (sum >= wanted)
            {
                return point.Value;
            }
        }

        return Points.Length == 0 ? null : Points[^1].Value;
    }

    // Few distinct values are kept as they are; of many, quantiles in the middle of parts of equal weight.
    private static WeightedValue[] Compress(List<WeightedValue> values, int most)
    {
        values.Sort(static (a, b) => a.Value.CompareTo(b.Value));
        var distinct = new List<WeightedValue>();
        foreach (var value in values)
        {
            if (distinct.Count > 0 && distinct[^1].Value == value.Value)
            {
                distinct[^1] = distinct[^1] with { Weight = distinct[^1].Weight + value.Weight };
            }
            else
            {
                distinct.Add(value);
            }
        }

        if (distinct.Count <= most)
        {
            return [.. distinct];
        }

        var (part, sum, next) = (distinct.Sum(v => v.Weight) / most, 0.0, 0);
        var points = new WeightedValue[most];
        foreach (var value in distinct)
        {
            sum += value.Weight;
            while (next < most && (next + 0.5) * part <= sum)
            {
                points[next++] = new(value.Value, part);
            }
        }

        // Rounding may have left the last one out.
        while (next < most)
        {
            points[next++] = new(distinct[^1].Value, part);
        }

        return points;
    }
}
