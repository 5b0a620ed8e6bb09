using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Storage;

/// <summary>What a sample request sets going: the version's rows are tried again, beside all that may happen meanwhile.</summary>
public sealed class SampleRequestTests(Servers servers)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Version_with_another_sample_is_tried_again_and_goes_by_its_proof_until_then()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, new BatchProof(true));
        Assert.Null(await inspections.ClaimAsync(Hour, Cancellation));

        await OutdateAsync(own);
        var claimed = await inspections.ClaimAsync(Hour, Cancellation);

        Assert.True(claimed!.AwaitsProof);
        Assert.True(BatchDecision.Of(claimed, new()).Batched);
        Assert.True(await inspections.ProveAsync(claimed, new BatchProof(false, "rows meet"), sampleHasRun: true, "worker", Cancellation));
        var version = await VersionAsync(own);
        Assert.Equal((new BatchProof(false, "rows meet"), false), (version.BatchProof, version.AwaitsProof));
        Assert.Null(await inspections.ClaimAsync(TimeSpan.FromMilliseconds(-1), Cancellation));
    }

    [Fact]
    public async Task What_was_found_with_the_sample_before_counts_for_nothing()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, proof: null);
        var slow = await inspections.ClaimAsync(Hour, Cancellation);

        await OutdateAsync(own);
        var quick = await inspections.ClaimAsync(Hour * 2, Cancellation);

        Assert.Equal(slow!.InspectionAttempts, quick!.InspectionAttempts);
        Assert.False(await inspections.ProveAsync(slow, new BatchProof(true), sampleHasRun: true, "slow", Cancellation));
        Assert.Null((await VersionAsync(own)).BatchProof);
        Assert.True(await inspections.ProveAsync(quick, new BatchProof(false, "rows meet"), sampleHasRun: true, "quick", Cancellation));
        Assert.Equal(new BatchProof(false, "rows meet"), (await VersionAsync(own)).BatchProof);
    }

    [Fact]
    public async Task Inspection_that_ends_while_a_sample_is_written_counts_for_nothing()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, proof: null);
        await OutdateAsync(own);
        var claimed = await inspections.ClaimAsync(Hour, Cancellation);
        Task<bool> ending = Task.FromResult(true);

        await ChangeAsync(own, async change =>
        {
            var version = await change.LockAsync("1", Cancellation);
            ending = inspections.ProveAsync(claimed!, new BatchProof(true), sampleHasRun: true, "worker", Cancellation);
            await Wait.UntilAsync(async () => ending.IsCompleted || await WaitForLocksAsync(own));
            version!.OutdateProof();
        });

        Assert.False(await ending);
        Assert.True((await VersionAsync(own)).AwaitsProof);
        Assert.NotNull(await inspections.ClaimAsync(Hour, Cancellation));
    }

    [Fact]
    public async Task No_sample_outweighs_what_serving_has_shown()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, new BatchProof(true));
        await inspections.ContradictAsync("m", "1", "two rows for three", "worker", Cancellation);

        await OutdateAsync(own);
        var claimed = await inspections.ClaimAsync(Hour, Cancellation);
        await inspections.ProveAsync(claimed!, new BatchProof(true), sampleHasRun: true, "worker", Cancellation);

        Assert.Equal(new BatchProof(false, "two rows for three", Contradicted: true), (await VersionAsync(own)).BatchProof);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sample_is_read_as_it_was_written_and_goes_with_its_version(bool wholeModel)
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var samples = own.Get<SampleRequests>();
        await AddAsync(own, new BatchProof(true));
        Tensor[] inputs =
            [new("x", Datatype.Fp32, [2], new byte[] { 0, 0, 128, 63, 0, 0, 192, 127 }), new("t", Datatype.Bytes, [0], default)];
        byte[] json = [0xEF, 0xBB, 0xBF, (byte)'{', (byte)'}'];
        await ChangeAsync(own, async change => await change.Database.SampleRequests.AddAsync(
            new SampleRequest { Model = "m", Version = "1", Json = json, Inputs = inputs }, Cancellation));

        var read = await samples.InputsOfAsync("m", "1", hasRun: false, Cancellation);
        Assert.Equal(json, await samples.JsonOfAsync("m", "1", Cancellation));
        Assert.Equal(
            inputs.Select(i => (i.Name, i.Datatype, string.Join(',', i.Shape), Convert.ToHexString(i.Data.Span))),
            read!.Select(i => (i.Name, i.Datatype, string.Join(',', i.Shape), Convert.ToHexString(i.Data.Span))));
        Assert.Null(await samples.InputsOfAsync("m", "2", hasRun: false, Cancellation));

        // Others warm up with it once it has run.
        Assert.Null(await samples.InputsOfAsync("m", "1", hasRun: true, Cancellation));
        await OutdateAsync(own);
        var claimed = await own.Get<VersionInspections>().ClaimAsync(Hour, Cancellation);
        await own.Get<VersionInspections>().ProveAsync(claimed!, new BatchProof(true), sampleHasRun: true, "worker", Cancellation);
        Assert.NotNull(await samples.InputsOfAsync("m", "1", hasRun: true, Cancellation));

        var removal = own.Get<ModelRemoval>();
        Assert.Null(wholeModel
            ? await removal.DeleteModelAsync("m", "test", Cancellation)
            : await removal.DeleteVersionAsync("m", "1", force: false, "test", Cancellation));

        Assert.Null(await samples.JsonOfAsync("m", "1", Cancellation));
    }

    // As the endpoint does.
    private static Task OutdateAsync(OwnDatabase own) =>
        ChangeAsync(own, async change => (await change.LockAsync("1", Cancellation))!.OutdateProof());

    private static async Task<bool> WaitForLocksAsync(OwnDatabase own)
    {
        await using var command = own.Source.CreateCommand(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        return (bool)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    private static async Task ChangeAsync(OwnDatabase own, Func<ModelChange, Task> change) =>
        Assert.Null(await own.Get<ModelRegistry>().ChangeAsync(
            "m",
            async c =>
            {
                await change(c);
                return null;
            },
            Cancellation));

    private static async Task AddAsync(OwnDatabase own, BatchProof? proof)
    {
        var staged = await own.Get<ArtifactStore>().StageAsync(new MemoryStream([1]), long.MaxValue, Cancellation);
        var signature = new ModelSignature([new("x", Datatype.Fp32, [-1])], [new("y", Datatype.Fp32, [-1])]);
        var (added, _) = await own.Get<ModelRegistry>().AddAsync(
            new NewVersion("m", "1", staged, "test") { Inspected = new InspectedModel(signature, new VersionMetadata(), 1, proof) },
            Cancellation);
        Assert.NotNull(added);
    }

    private static async Task<ModelVersion> VersionAsync(OwnDatabase own)
    {
        await using var database = await own.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        return await database.ModelVersions.SingleAsync(v => v.Model == "m", Cancellation);
    }
}
