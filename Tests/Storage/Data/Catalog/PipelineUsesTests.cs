using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

/// <summary>A pipeline and what its steps run are there together, whoever comes first.</summary>
public sealed class PipelineUsesTests(Servers servers)
{
    private static readonly ModelSignature Signature = new([new("x", Datatype.Fp32, [-1])], [new("y", Datatype.Fp32, [-1])]);

    private static readonly InspectedModel Pipeline = new(
        Signature, new VersionMetadata { Steps = [new PipelineStep("one", "m", "1")] }, 1, new BatchProof(true));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pipeline_is_not_accepted_once_a_step_was_deleted_and_can_be_rejected()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, "m", ready: true);
        await AddAsync(own, "p", ready: false);
        var claimed = (await inspections.ClaimAsync(TimeSpan.FromHours(1), Cancellation))!;

        Assert.Null(await own.Get<ModelRemoval>().DeleteVersionAsync("m", "1", force: false, "test", Cancellation));
        var gone = await Assert.ThrowsAsync<PipelineStepGoneException>(
            () => inspections.AcceptAsync(claimed, Pipeline, "worker", Cancellation));

        Assert.Equal("step 'one': version '1' of 'm' was deleted meanwhile", gone.Message);
        Assert.True(await inspections.RejectAsync(claimed, gone.Message, "worker", Cancellation));
    }

    [Fact]
    public async Task Step_of_an_accepted_pipeline_stays_until_that_is_deleted()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var (inspections, removal) = (own.Get<VersionInspections>(), own.Get<ModelRemoval>());
        await AddAsync(own, "m", ready: true);
        await AddAsync(own, "p", ready: false, ["m", "n"]);
        var claimed = (await inspections.ClaimAsync(TimeSpan.FromHours(1), Cancellation))!;
        Assert.True(await inspections.AcceptAsync(claimed, Pipeline, "worker", Cancellation));

        var refused = await removal.DeleteVersionAsync("m", "1", force: true, "test", Cancellation);
        var unnamed = await removal.DeleteVersionAsync("m", "1", force: true, "test", Cancellation, nameable: ["m"]);
        var whole = await removal.DeleteModelAsync("m", "test", Cancellation);
        var pipeline = Assert.Single((await own.Get<ModelCatalog>().RefreshAsync(Cancellation)).VersionsOf("p"));
        Assert.Null(await removal.DeleteVersionAsync("p", "1", force: false, "test", Cancellation));
        Assert.Null(await removal.DeleteVersionAsync("m", "1", force: false, "test", Cancellation));

        Assert.Equal(RegistryProblemKind.Conflict, refused!.Kind);
        Assert.Equal("Version 1 of 'm' is a step of 'p/1'. Delete these pipelines first.", refused.Message);
        Assert.Equal(
            "Version 1 of 'm' is a step of pipelines of models that you may not use. Delete these pipelines first.", unnamed!.Message);
        Assert.Equal("A version of 'm' is a step of 'p/1'. Delete these pipelines first.", whole!.Message);
        Assert.Equal(ModelRegistry.PipelinePlatform, pipeline.Platform);

        // What the uploader may use is kept for the inspection alone.
        Assert.True(UploaderScope.Allows(claimed.Metadata, "m"));
        Assert.False(UploaderScope.Allows(claimed.Metadata, "other"));
        Assert.Empty(pipeline.Metadata.Properties);
    }

    [Fact]
    public async Task Refusal_names_the_pipelines_that_the_caller_may_use_and_those_first()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await AddAsync(own, "m", ready: true);
        foreach (var name in (string[])["a", "b", "c", "d", "e", "f", "z"])
        {
            await AddAsync(own, name, ready: false);
            var claimed = (await own.Get<VersionInspections>().ClaimAsync(TimeSpan.FromHours(1), Cancellation))!;
            Assert.True(await own.Get<VersionInspections>().AcceptAsync(claimed, Pipeline, "worker", Cancellation));
        }

        var some = await own.Get<ModelRemoval>().DeleteModelAsync("m", "test", Cancellation, nameable: ["m", "z"]);
        var all = await own.Get<ModelRemoval>().DeleteModelAsync("m", "test", Cancellation);

        Assert.Equal("A version of 'm' is a step of 'z/1' and others. Delete these pipelines first.", some!.Message);
        Assert.Equal(
            "A version of 'm' is a step of 'a/1', 'b/1', 'c/1', 'd/1', 'e/1' and others. Delete these pipelines first.", all!.Message);
    }

    [Fact]
    public async Task Scope_of_the_uploader_of_a_rejected_version_is_forgotten()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await AddAsync(own, "p", ready: false, ["m", "n"]);
        var claimed = (await own.Get<VersionInspections>().ClaimAsync(TimeSpan.FromHours(1), Cancellation))!;
        Assert.Empty(UploaderScope.Without(claimed.Metadata).Properties);

        Assert.True(await own.Get<VersionInspections>().RejectAsync(claimed, "no", "worker", Cancellation));

        Assert.Empty(Assert.Single((await own.Get<ModelCatalog>().RefreshAsync(Cancellation)).AllVersionsOf("p")).Metadata.Properties);
    }

    private static async Task AddAsync(OwnDatabase own, string model, bool ready, string[]? uploaderModels = null)
    {
        var content = System.Text.Encoding.UTF8.GetBytes(model);
        var staged = await own.Get<ArtifactStore>().StageAsync(new MemoryStream(content), long.MaxValue, Cancellation);
        var (added, _) = await own.Get<ModelRegistry>().AddAsync(
            new NewVersion(model, "1", staged, "test")
            {
                Inspected = ready ? new InspectedModel(Signature, new VersionMetadata(), 1, new BatchProof(true)) : null,
                UploaderModels = uploaderModels,
            },
            Cancellation);
        Assert.NotNull(added);
    }
}
