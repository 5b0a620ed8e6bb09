using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Tests.Unit;

/// <summary>What is told of a model without a version is told of the version that answers without one.</summary>
public sealed class StableVersionTests
{
    public static TheoryData<string?, string?, string?, string?> Policies => new(
        from stable in (string?[])[null, "1", "2", "3", "9"]
        from canary in (string?[])[null, "1", "2", "3", "9"]
        from shadow in (string?[])[null, "2", "3"]
        from lacking in (string?[])[null, "1", "2", "3"]
        select (stable, canary, shadow, lacking));

    [Theory]
    [MemberData(nameof(Policies))]
    public void Metadata_and_requests_agree_on_the_stable_version(string? stable, string? canary, string? shadow, string? lacking)
    {
        var policy = new TrafficPolicy
        {
            Stable = stable,
            Canary = canary is null ? null : new CanaryRule(canary, Weight: 0),
            Shadow = shadow is null ? null : new ShadowRule(shadow),
        };
        var snapshot = new CatalogSnapshot(
            [new Model { Name = "m", Settings = new ModelSettings { Traffic = policy } }],
            [.. ((string[])["1", "2", "3"]).Select(version => Version(version, isLacking: version == lacking))],
            []);

        var route = TrafficRouter.Route(
            policy, [.. snapshot.ReadyOf("m").Select(v => v.Version)], "caller", new Random(1),
            snapshot.ReadyOf("m").Except(snapshot.VersionsOf("m")).Select(v => v.Version).ToHashSet(StringComparer.Ordinal));

        Assert.Equal(route?.Version, snapshot.Find("m", null)?.Version);
        Assert.Equal(route is null ? lacking : null, snapshot.LackingOf("m", null)?.Version);
        if (route is null)
        {
            Assert.StartsWith($"version '{lacking}' of 'm' is a pipeline, ", snapshot.WhyNot("m", null), StringComparison.Ordinal);
        }
    }

    // One that lacks its step is ready and can't run.
    private static ModelVersion Version(string version, bool isLacking) => new()
    {
        Model = "m",
        Version = version,
        Platform = ModelRegistry.Platform,
        Sha256 = new string('0', 64),
        Signature = new ModelSignature([new("x", Datatype.Fp32, [-1])], [new("y", Datatype.Fp32, [-1])]),
        Metadata = new VersionMetadata { Steps = isLacking ? [new PipelineStep("one", "gone", "1")] : [] },
    };
}
