using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.ModelCache;

namespace InferenceTemplate.Tests.Worker.Pipelines;

/// <summary>A pipeline in the registry is what its steps let it be.</summary>
public sealed class PipelineSnapshotTests
{
    [Fact]
    public void Pipeline_is_served_and_batched_where_its_steps_are()
    {
        var snapshot = Snapshot(new ModelSettings(), Residency.Auto, new BatchProof(true));

        var pipeline = snapshot.Find("p", null)!;

        Assert.Equal("1", pipeline.Version);
        Assert.Equal(new BatchDecision(true, "rows were proven independent"), BatchDecision.Of(pipeline, new ModelSettings()));
    }

    [Fact]
    public void Pipeline_of_an_unloaded_model_is_not_served_and_its_other_versions_are()
    {
        var snapshot = Snapshot(new ModelSettings(), Residency.Unload, new BatchProof(true), plainVersion: "2");

        Assert.Null(snapshot.Find("p", "1"));
        Assert.Equal(["2"], snapshot.VersionsOf("p").Select(v => v.Version));
        Assert.DoesNotContain(snapshot.Versions, v => v is { Model: "p", Version: "1" });
        Assert.Equal(
            "version '1' of 'p' is a pipeline, of which the step 'one' can't run: the model 'm' is unloaded", snapshot.WhyNot("p", "1"));
    }

    [Theory]
    [InlineData("1", null)]
    [InlineData(null, "2")]
    public void No_other_version_stands_in_for_a_stable_pipeline_that_can_not_run(string? stable, string? canary)
    {
        var policy = new TrafficPolicy { Stable = stable, Canary = canary is null ? null : new CanaryRule(canary, 0.1) };
        var snapshot = Snapshot(
            new ModelSettings(), Residency.Unload, new BatchProof(true), plainVersion: "2", new ModelSettings { Traffic = policy });

        Assert.Equal(["1", "2"], snapshot.ReadyOf("p").Select(v => v.Version));
        Assert.Equal("1", snapshot.LackingOf("p", null)!.Version);
        Assert.Equal("1", snapshot.LackingOf("p", "1")!.Version);
        Assert.Null(snapshot.LackingOf("p", "2"));
        Assert.Null(snapshot.StableOf("p"));
        Assert.Equal(
            "version '1' of 'p' is a pipeline, of which the step 'one' can't run: the model 'm' is unloaded", snapshot.WhyNot("p", null));
    }

    [Fact]
    public void Canary_that_can_not_run_is_passed_over()
    {
        var policy = new TrafficPolicy { Canary = new CanaryRule("1", 0.5) };
        var snapshot = Snapshot(
            new ModelSettings(), Residency.Unload, new BatchProof(true), plainVersion: "0", new ModelSettings { Traffic = policy });

        Assert.Equal("0", snapshot.StableOf("p")!.Version);
        Assert.Null(snapshot.LackingOf("p", null));
    }

    [Fact]
    public void Requests_are_kept_apart_where_those_of_a_step_are()
    {
        var off = Snapshot(new ModelSettings { Batching = new() { Mode = BatchingMode.Off } }, Residency.Auto, new BatchProof(true));
        var contradicted = Snapshot(new ModelSettings(), Residency.Auto, new BatchProof(false, "rows met", Contradicted: true));

        Assert.Equal(
            new BatchDecision(false, "step 'one': the setting is off"), BatchDecision.Of(off.Find("p", "1")!, new ModelSettings()));
        Assert.Equal(
            new BatchDecision(false, "step 'one': rows met"), BatchDecision.Of(contradicted.Find("p", "1")!, new ModelSettings()));
    }

    [Fact]
    public void Pipeline_takes_the_memory_of_those_of_its_steps_that_are_not_open()
    {
        var snapshot = Snapshot(new ModelSettings(), Residency.Auto, new BatchProof(true));
        var (step, pipeline) = (snapshot.Find("m", "1")!, snapshot.Find("p", "1")!);
        (step.MemoryBytes, pipeline.MemoryBytes) = (100, 100);

        Assert.Equal(100, MemoryBudget.Estimate(pipeline, snapshot, _ => false));
        Assert.Equal(0, MemoryBudget.Estimate(pipeline, snapshot, key => key == new ModelKey("m", "1")));
        Assert.Equal(100, MemoryBudget.Estimate(step, snapshot, _ => false));
    }

    private static CatalogSnapshot Snapshot(
        ModelSettings settings, Residency residency, BatchProof proof, string? plainVersion = null, ModelSettings? own = null)
    {
        var pipeline = Version("p", "1", new BatchProof(true));
        pipeline.Metadata = new VersionMetadata { Steps = [new PipelineStep("one", "m", "1")] };
        return new CatalogSnapshot(
            [
                new Model { Name = "m", Settings = settings, Residency = residency },
                new Model { Name = "p", Settings = own ?? new ModelSettings() },
            ],
            [Version("m", "1", proof), pipeline, .. plainVersion is null ? (ModelVersion[])[] : [Version("p", plainVersion, proof)]],
            []);
    }

    private static ModelVersion Version(string model, string version, BatchProof proof) => new()
    {
        Model = model,
        Version = version,
        Platform = ModelRegistry.Platform,
        Sha256 = new string('0', 64),
        Signature = new ModelSignature([new("x", Datatype.Fp32, [-1])], [new("y", Datatype.Fp32, [-1])]),
        BatchProof = proof,
    };
}
