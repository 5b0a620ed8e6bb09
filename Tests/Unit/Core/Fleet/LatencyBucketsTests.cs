using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Tests.Unit;

public sealed class LatencyBucketsTests
{
    [Fact]
    public void Quantile_is_at_most_a_quarter_too_high()
    {
        var random = new Random(1);
        var seconds = Enumerable.Range(0, 10_000).Select(_ => Math.Exp((random.NextDouble() * 9) - 8)).Order().ToArray();
        var buckets = LatencyBuckets.Empty();
        foreach (var value in seconds)
        {
            buckets.Add(value);
        }

        foreach (var quantile in (double[])[0.01, 0.5, 0.95, 0.99, 1])
        {
            var exact = seconds[(int)Math.Ceiling(quantile * seconds.Length) - 1];
            Assert.InRange(buckets.Quantile(quantile)!.Value, exact * 0.9999, exact * 1.2501);
        }
    }

    [Fact]
    public void Sum_of_replicas_has_the_quantiles_of_all_requests()
    {
        var (fast, slow) = (LatencyBuckets.Empty(), LatencyBuckets.Empty());
        for (var i = 0; i < 90; i++)
        {
            fast.Add(0.001);
        }

        for (var i = 0; i < 10; i++)
        {
            slow.Add(1);
        }

        var all = fast.Plus(slow);

        Assert.InRange(all.Quantile(0.5)!.Value, 0.001, 0.00125);
        Assert.InRange(all.Quantile(0.95)!.Value, 1, 1.25);
    }

    [Fact]
    public void Quantile_of_nothing_is_null() => Assert.Null(LatencyBuckets.Empty().Quantile(0.5));

    [Theory]
    [InlineData(0)]
    [InlineData(1e9)]
    public void Extremes_are_counted(double seconds)
    {
        var buckets = LatencyBuckets.Empty();
        buckets.Add(seconds);

        Assert.NotNull(buckets.Quantile(1));
    }
}
