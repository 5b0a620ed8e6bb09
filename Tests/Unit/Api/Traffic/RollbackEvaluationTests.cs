using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Tests.Unit;

public sealed class RollbackEvaluationTests
{
    private static readonly RollbackRule Rule = new(MaxErrorRate: 0.05, MaxLatencyRatio: 2, MinSample: 100, TimeSpan.FromMinutes(5));

    [Fact]
    public void Nothing_is_decided_below_the_sample() =>
        Assert.False(RollbackEvaluation.Of(Rule, Seen(99, failed: 99), Seen(1000)).RollBack);

    [Theory]
    [InlineData(5, false)]
    [InlineData(6, true)]
    public void Errors_over_the_rate_take_the_canary_back(int failed, bool rolledBack)
    {
        var evaluation = RollbackEvaluation.Of(Rule, Seen(100, failed), Seen(1000));

        Assert.Equal(rolledBack, evaluation.RollBack);
        if (rolledBack)
        {
            Assert.Equal("6 of 100 requests failed, 6 %; at most 5 % may", evaluation.Reason);
        }
    }

    [Theory]
    [InlineData(20, false)]
    [InlineData(21, true)]
    public void Compute_time_over_the_ratio_takes_the_canary_back(int milliseconds, bool rolledBack)
    {
        var evaluation = RollbackEvaluation.Of(Rule, Seen(200, milliseconds: milliseconds), Seen(1000, milliseconds: 10));

        Assert.Equal(rolledBack, evaluation.RollBack);
        Assert.Contains("times the stable version's", evaluation.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Latency_is_not_compared_with_a_stable_version_that_has_too_few_runs() =>
        Assert.False(RollbackEvaluation.Of(Rule, Seen(200, milliseconds: 1000), Seen(99, milliseconds: 1)).RollBack);

    [Fact]
    public void Latency_is_ignored_when_the_rule_names_no_ratio() => Assert.False(
        RollbackEvaluation.Of(Rule with { MaxLatencyRatio = null }, Seen(200, milliseconds: 1000), Seen(200, milliseconds: 1)).RollBack);

    private static VersionOutcomes Seen(int requests, int failed = 0, int milliseconds = 10)
    {
        var outcomes = new VersionOutcomes();
        for (var i = 0; i < requests; i++)
        {
            outcomes.Add(
                new RequestOutcome(i < failed, TimeSpan.FromMilliseconds(milliseconds), TimeSpan.FromMilliseconds(milliseconds + 1), 0));
        }

        return outcomes;
    }
}
