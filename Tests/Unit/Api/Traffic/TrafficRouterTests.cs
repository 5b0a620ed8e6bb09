using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Tests.Unit;

public sealed class TrafficRouterTests
{
    private static readonly string[] Versions = ["1", "2", "3"];

    [Fact]
    public void Highest_version_answers_when_there_is_no_policy() =>
        Assert.Equal(new TrafficRoute("3", TrafficRole.Stable, null), Route(new TrafficPolicy()));

    [Fact]
    public void Nothing_answers_when_there_is_no_version() =>
        Assert.Null(TrafficRouter.Route(new TrafficPolicy { Stable = "1" }, [], "key", new Random(1)));

    [Fact]
    public void Stable_version_is_the_named_one() =>
        Assert.Equal("1", Route(new TrafficPolicy { Stable = "1" }).Version);

    [Fact]
    public void Version_under_trial_is_not_stable_when_none_is_named() =>
        Assert.Equal("2", Route(new TrafficPolicy { Canary = new CanaryRule("3", 0) }).Version);

    [Fact]
    public void Version_that_answers_is_not_compared_with_itself()
    {
        var policy = new TrafficPolicy { Stable = "1", Canary = new CanaryRule("2", 1), Shadow = new ShadowRule("2") };

        Assert.Equal(new TrafficRoute("2", TrafficRole.Canary, null), Route(policy));
        Assert.Equal(new TrafficRoute("1", TrafficRole.Stable, "2"), Route(policy with { Canary = null }));
        Assert.Null(Route(policy with { Canary = null, Stable = "2" }).Shadow);
    }

    [Fact]
    public void Canary_gets_its_share()
    {
        var policy = new TrafficPolicy { Stable = "1", Canary = new CanaryRule("2", 0.1) };
        var random = new Random(1);

        var routes = Enumerable.Range(0, 20_000).Select(_ => TrafficRouter.Route(policy, Versions, "key", random)!).ToList();

        // Five standard deviations of a binomial with n = 20,000 and p = 0.1 are 212.
        Assert.InRange(routes.Count(r => r.Role == TrafficRole.Canary), 1788, 2212);
        Assert.All(routes, r => Assert.Equal(r.Role == TrafficRole.Canary ? "2" : "1", r.Version));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1000)]
    public void Weight_at_its_ends_is_none_or_all(double weight, int expected)
    {
        foreach (var sticky in (bool[])[false, true])
        {
            var policy = new TrafficPolicy { Stable = "1", Canary = new CanaryRule("2", weight, sticky) };
            var random = new Random(1);

            Assert.Equal(expected,
                Enumerable.Range(0, 1000).Count(i => TrafficRouter.Route(policy, Versions, $"{i}", random)!.Role == TrafficRole.Canary));
        }
    }

    [Fact]
    public void Sticky_canary_gives_a_caller_the_same_version_each_time()
    {
        var policy = new TrafficPolicy { Stable = "1", Canary = new CanaryRule("2", 0.5, Sticky: true) };
        var random = new Random(1);

        for (var caller = 0; caller < 50; caller++)
        {
            Assert.Single(
                Enumerable.Range(0, 20).Select(_ => TrafficRouter.Route(policy, Versions, $"{caller}", random)!.Version).Distinct());
        }
    }

    [Fact]
    public void Sticky_canary_keeps_its_callers_as_its_weight_grows()
    {
        var before = Callers("2", 0.1);
        var after = Callers("2", 0.3);

        Assert.InRange(before.Count, 900, 1100);
        Assert.InRange(after.Count, 2800, 3200);
        Assert.Subset(after, before);
    }

    [Fact]
    public void Sticky_canaries_are_tried_by_different_callers()
    {
        var both = Callers("2", 0.1);
        both.IntersectWith(Callers("3", 0.1));

        Assert.InRange(both.Count, 50, 150);
    }

    [Fact]
    public void Shadow_is_drawn_by_its_sample_and_answers_nobody()
    {
        var policy = new TrafficPolicy { Stable = "1", Shadow = new ShadowRule("2", 0.25) };
        var random = new Random(1);

        var routes = Enumerable.Range(0, 20_000).Select(_ => TrafficRouter.Route(policy, Versions, "key", random)!).ToList();

        Assert.InRange(routes.Count(r => r.Shadow == "2"), 4700, 5300);
        Assert.All(routes, r => Assert.Equal("1", r.Version));
    }

    [Fact]
    public void Policy_passes_over_versions_that_are_gone() => Assert.Equal(
        new TrafficRoute("3", TrafficRole.Stable, null),
        Route(new TrafficPolicy { Stable = "7", Canary = new CanaryRule("8", 1), Shadow = new ShadowRule("9") }));

    [Fact]
    public void Nobody_takes_the_place_of_a_stable_version_that_can_not_run()
    {
        HashSet<string> lacking = ["1"];

        Assert.Null(TrafficRouter.Route(new TrafficPolicy { Stable = "1" }, Versions, "key", new Random(1), lacking));
        Assert.Null(TrafficRouter.Route(
            new TrafficPolicy { Stable = "1", Canary = new CanaryRule("2", 0) }, Versions, "key", new Random(1), lacking));
        Assert.Null(TrafficRouter.Route(new TrafficPolicy(), ["1"], "key", new Random(1), lacking));
    }

    [Fact]
    public void Canary_and_shadow_that_can_not_run_are_passed_over() => Assert.Equal(
        new TrafficRoute("1", TrafficRole.Stable, null),
        TrafficRouter.Route(
            new TrafficPolicy { Stable = "1", Canary = new CanaryRule("2", 1), Shadow = new ShadowRule("3") }, Versions, "key",
            new Random(1), new HashSet<string>(["2", "3"])));

    private static TrafficRoute Route(TrafficPolicy policy) => TrafficRouter.Route(policy, Versions, "key", new Random(1))!;

    private static HashSet<int> Callers(string canary, double weight)
    {
        var policy = new TrafficPolicy { Stable = "1", Canary = new CanaryRule(canary, weight, Sticky: true) };
        return [.. Enumerable.Range(0, 10_000).Where(i =>
            TrafficRouter.Route(policy, Versions, $"caller {i}", new Random(i))!.Role == TrafficRole.Canary)];
    }
}
