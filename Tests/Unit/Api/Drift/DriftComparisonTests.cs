using Microsoft.Extensions.Time.Testing;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Data;

namespace InferenceTemplate.Tests.Unit.Api.Drift;

/// <summary>
/// The statistics with fixed seeds, through the windows that replicas make: how often they raise a false alarm, and how soon they find
/// a shift.
/// </summary>
public sealed class DriftComparisonTests
{
    private const int Runs = 100;

    // What tensors are like, and what each becomes.
    private static readonly Dictionary<string, (string Kind, Func<Random, double[]> Clean, Func<Random, double[]> Shifted)> s_tensors =
        new(StringComparer.Ordinal)
        {
            ["a number, one sigma up"] = (DriftKinds.Numbers, r => [Normal(r)], r => [Normal(r) + 1]),
            ["a number far from zero, one sigma up"] = (DriftKinds.Numbers, r => [1e6 + Normal(r)], r => [1e6 + Normal(r) + 1]),
            ["a heavy tail, three times as large"] =
                (DriftKinds.Numbers, r => [Math.Exp(2 * Normal(r))], r => [3 * Math.Exp(2 * Normal(r))]),
            ["values of one request alike, three times as wide"] =
                (DriftKinds.Numbers, r => Alike(r, 1), r => Alike(r, 3)),
            ["a constant, a bit less"] = (DriftKinds.Numbers, _ => [7], _ => [7 - 1e-9]),
            ["rarely one, more often"] = (DriftKinds.Numbers, r => [r.NextDouble() < 0.03 ? 1 : 0], r => [r.NextDouble() < 0.3 ? 1 : 0]),
            ["rectified, never zero"] = (DriftKinds.Numbers, r => [Math.Max(0, Normal(r))], r => [Math.Abs(Normal(r))]),
            ["seldom not a number, often"] = (
                DriftKinds.Numbers, r => [r.NextDouble() < 0.01 ? double.NaN : Normal(r)],
                r => [r.NextDouble() < 0.3 ? double.PositiveInfinity : Normal(r)]),
            ["seldom empty, often"] = (
                DriftKinds.Numbers, r => r.NextDouble() < 0.01 ? [] : [Normal(r)], r => r.NextDouble() < 0.3 ? [] : [Normal(r)]),
            ["ten classes, others"] = (DriftKinds.Class, r => [Math.Floor(r.NextDouble() * 10)], r => [Math.Floor(r.NextDouble() * 6)]),
            ["many categories, one of them most"] = (
                DriftKinds.Categories, r => [r.Next(64)], r => [r.NextDouble() < 0.4 ? 3 : r.Next(64)]),
            ["a category that was never there"] = (
                DriftKinds.Categories, r => [r.Next(3)], r => [r.NextDouble() < 0.3 ? 9 : r.Next(3)]),
        };

    public static TheoryData<string> Tensors => [.. s_tensors.Keys];

    [Theory]
    [MemberData(nameof(Tensors))]
    public void Clean_runs_raise_one_false_alarm_in_a_hundred_at_most(string tensor)
    {
        var (kind, clean, _) = s_tensors[tensor];

        var alarms = Enumerable.Range(0, Runs).Count(run => FoundAfter(kind, clean, clean, run, requests: 4_000) is not null);

        Assert.True(alarms <= 1, $"{alarms} of {Runs} runs");
    }

    [Theory]
    [MemberData(nameof(Tensors))]
    public void Shift_is_found_within_a_thousand_requests(string tensor)
    {
        var (kind, clean, shifted) = s_tensors[tensor];

        Assert.All(
            Enumerable.Range(0, Runs),
            run => Assert.NotNull(FoundAfter(kind, clean, shifted, run, requests: 1_000)));
    }

    [Fact]
    public void Small_samples_must_differ_by_more_than_chance_would_have_it()
    {
        var many = DriftDistribution.Of([.. Enumerable.Range(0, 10_000).Select(i => (double[])[i % 10])], 64);
        var few = DriftDistribution.Of([.. Enumerable.Range(0, 20).Select(i => (double[])[i % 5])], 64);

        var comparison = DriftComparison.Of(many, few, isCategorical: false);

        Assert.True(comparison.Psi > 0.2 && comparison.Ks > 0.2, $"{comparison}");
        Assert.False(comparison.IsDrift(0.2, 0.2), $"{comparison}");
    }

    [Fact]
    public void Index_and_distance_of_known_shares_are_those_of_their_formulas()
    {
        // Halves become a fifth and four fifths: sum of (a - b) ln(a / b), with half a request in each of six bins.
        var before = DriftDistribution.Of([.. Enumerable.Range(0, 1_000).Select(i => (double[])[i % 2])], 64);
        var now = DriftDistribution.Of([.. Enumerable.Range(0, 1_000).Select(i => (double[])[i % 5 == 0 ? 0 : 1])], 64);

        var comparison = DriftComparison.Of(before, now, isCategorical: false);

        Assert.Equal(0.3, comparison.Ks!.Value, 9);
        Assert.Equal((0.3 * Math.Log(0.5 / 0.2)) + (0.3 * Math.Log(0.8 / 0.5)), comparison.Psi, 0.01);
        Assert.Equal(2.6935 * Math.Sqrt(0.002), comparison.KsByChance!.Value, 6);
    }

    [Fact]
    public void Quantiles_of_a_merger_are_those_of_all_values()
    {
        var random = new Random(5);
        double[][] all = [.. Enumerable.Range(0, 4_000).Select(_ => (double[])[Normal(random)])];

        var merged = DriftDistribution.Merge([.. all.Chunk(250).Select(part => DriftDistribution.Of(part, 64))], 256);

        double[] sorted = [.. all.Select(v => v[0]).Order()];
        foreach (var share in (double[])[0.05, 0.25, 0.5, 0.75, 0.95])
        {
            var place = Array.BinarySearch(sorted, merged.Quantile(share)!.Value) / 4_000.0;
            Assert.True(Math.Abs(place - share) < 0.02, $"{share}: {place}");
        }

        Assert.Equal(4_000, merged.Requests);
        Assert.Equal(4_000, merged.Points.Sum(p => p.Weight), 6);
        Assert.Equal(256, merged.Points.Length);
    }

    // Two replicas take turns; a baseline of a thousand requests, then a shift in the middle of their windows.
    private static int? FoundAfter(
        string kind, Func<Random, double[]> before, Func<Random, double[]> after, int seed, int requests)
    {
        var random = new Random(seed);
        DriftWindows[] replicas = [new(new FakeTimeProvider()), new(new FakeTimeProvider())];
        var finished = new List<DriftWindow>();
        for (var i = 0; i < 1_000; i++)
        {
            replicas[i % 2].Add(Sample(kind, before(random)), finished);
        }

        var baseline = DriftDistribution.Merge([.. finished.Select(DriftDistribution.Of)], DriftDistribution.BaselinePoints);
        Assert.Equal(1_000, baseline.Requests);
        for (var i = random.Next(500); i > 0; i--)
        {
            replicas[i % 2].Add(Sample(kind, before(random)), finished);
        }

        for (var i = 1; i <= requests; i++)
        {
            var known = finished.Count;
            replicas[i % 2].Add(Sample(kind, after(random)), finished);
            if (finished.Count > known && DriftComparison.Of(baseline, Newest(finished), DriftKinds.IsCategorical(kind)).IsDrift(0.2, 0.2))
            {
                return i;
            }
        }

        return null;
    }

    private static DriftDistribution Newest(List<DriftWindow> finished)
    {
        var taken = new List<DriftDistribution>();
        for (var i = finished.Count - 1; taken.Sum(t => t.Requests) < DriftComparison.MinRequests; i--)
        {
            taken.Add(DriftDistribution.Of(finished[i]));
        }

        return DriftDistribution.Merge(taken);
    }

    private static DriftSample Sample(string kind, double[] values) =>
        new("m", "1", "stable", [new SampledTensor("x", IsOutput: true, kind, values)]);

    private static double[] Alike(Random random, double width)
    {
        var middle = width * Normal(random);
        return [.. Enumerable.Range(0, 16).Select(_ => middle + (0.1 * Normal(random)))];
    }

    // Box and Muller.
    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
