using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Tests.Unit;

public sealed class TrafficChangeTests
{
    private static readonly RollbackRule Rule = new(0.05, null, 50, TimeSpan.FromMinutes(1));

    private static readonly TrafficPolicy Canary = new() { Stable = "1", Canary = new CanaryRule("2", 0.1), Rollback = Rule };

    public static TheoryData<TrafficPolicy, TrafficPolicy?, string> Changes => new()
    {
        { new TrafficPolicy(), Canary, "stable 1, canary 2 at 10 %" },
        { Canary, Canary, "as it was" },
        { Canary, Canary with { Canary = new CanaryRule("2", 0.255) }, "canary 2 at 25.5 % instead of 10 %" },
        { Canary, Canary with { Canary = new CanaryRule("3", 0.1) }, "canary 3 at 10 % instead of 2" },
        { Canary, Canary with { Canary = new CanaryRule("2", 0.1, Sticky: true) }, "keys stay on one version" },
        { Canary, Canary with { Rollback = null }, "no automatic rollback" },
        { Canary, Canary with { Rollback = Rule with { MinSample = 100 } }, "another rule of the rollback" },
        { Canary, new TrafficPolicy { Stable = "1", Shadow = new ShadowRule("2", 0.5) }, "canary 2 at 10 % ended, shadow 2 at 50 %" },
        { Canary, new TrafficPolicy { Stable = "2" }, "stable 2 instead of 1, canary 2 at 10 % ended" },
        { Canary, null, "the highest version is stable instead of 1, canary 2 at 10 % ended" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Reason_of_a_decision_says_what_changed(TrafficPolicy before, TrafficPolicy? after, string reason) =>
        Assert.Equal(reason, TrafficChange.Of(before, after));
}
