using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Storage;

/// <summary>What is known of whether a version may be batched: once by file, and never again once a run has shown otherwise.</summary>
public sealed class BatchProofTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ready_version_without_a_proof_is_claimed_after_those_that_wait_and_then_never_again()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, "old", "1", [1]);
        await AddAsync(own, "new", "1", [2], ready: false);

        var first = await inspections.ClaimAsync(TimeSpan.FromHours(1), Cancellation);
        var second = await inspections.ClaimAsync(TimeSpan.FromHours(1), Cancellation);
        Assert.Equal(("new", "old"), (first!.Model, second!.Model));
        Assert.Null(await inspections.ClaimAsync(TimeSpan.FromHours(1), Cancellation));
        Assert.False(BatchDecision.Of(second, new()).Batched);

        Assert.True(await inspections.ProveAsync(second, new BatchProof(false, "rows meet"), sampleHasRun: false, "worker", Cancellation));
        Assert.True(await inspections.RejectAsync(first, "broken", "worker", Cancellation));

        Assert.Null(await inspections.ClaimAsync(TimeSpan.FromMilliseconds(-1), Cancellation));
        Assert.Equal(new BatchProof(false, "rows meet"), await ProofAsync(own, "old", "1"));
    }

    [Fact]
    public async Task Column_is_null_in_rows_of_the_earlier_release()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await AddAsync(own, "old", "1", [1], new BatchProof(true));

        await own.ExecuteAsync("UPDATE model_versions SET batch_proof = NULL");

        var version = Assert.Single((await own.Get<ModelCatalog>().RefreshAsync(Cancellation)).AllVersions);
        Assert.Equal(VersionState.Ready, version.State);
        Assert.Equal(new BatchDecision(false, "it has not been tried whether rows are independent"), BatchDecision.Of(version, new()));
    }

    [Fact]
    public async Task Same_file_is_known_beneath_another_name()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await AddAsync(own, "one", "1", [1], new BatchProof(true));

        await AddAsync(own, "two", "1", [1]);
        await AddAsync(own, "three", "1", [2]);

        Assert.Equal(new BatchProof(true), await ProofAsync(own, "two", "1"));
        Assert.Null(await ProofAsync(own, "three", "1"));
    }

    [Fact]
    public async Task What_serving_has_shown_outweighs_every_proof_of_the_same_file()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var inspections = own.Get<VersionInspections>();
        await AddAsync(own, "one", "1", [1], new BatchProof(true));
        await AddAsync(own, "one", "2", [2], new BatchProof(true));
        await AddAsync(own, "two", "1", [1], new BatchProof(true));

        await inspections.ContradictAsync("one", "1", "two rows for three", "worker-7", Cancellation);
        await inspections.ContradictAsync("one", "1", "another reason", "worker-8", Cancellation);
        await AddAsync(own, "three", "1", [1], new BatchProof(true));

        var shown = new BatchProof(false, "two rows for three", Contradicted: true);
        Assert.Equal(shown, await ProofAsync(own, "one", "1"));
        Assert.Equal(shown, await ProofAsync(own, "two", "1"));
        Assert.Equal(shown, await ProofAsync(own, "three", "1"));
        Assert.Equal(new BatchProof(true), await ProofAsync(own, "one", "2"));
        await using var database = await own.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        var events = await database.ModelEvents.Where(e => e.Kind == ModelEventKinds.BatchingEnded)
            .OrderBy(e => e.Model).ToListAsync(Cancellation);
        Assert.Equal(
            [("one", "1", "worker-7", "two rows for three"), ("two", "1", "worker-7", "two rows for three")],
            events.Select(e => (e.Model, e.Version!, e.Actor, e.Details!)));
    }

    private static async Task AddAsync(
        OwnDatabase own, string model, string version, byte[] content, BatchProof? proof = null, bool ready = true)
    {
        var staged = await own.Get<ArtifactStore>().StageAsync(new MemoryStream(content), long.MaxValue, Cancellation);
        var signature = new ModelSignature([new("x", Datatype.Fp32, [-1])], [new("y", Datatype.Fp32, [-1])]);
        var (added, _) = await own.Get<ModelRegistry>().AddAsync(
            new NewVersion(model, version, staged, "test")
            {
                Inspected = ready ? new InspectedModel(signature, new VersionMetadata(), 1, proof) : null,
            },
            Cancellation);
        Assert.NotNull(added);
    }

    private static async Task<BatchProof?> ProofAsync(OwnDatabase own, string model, string version)
    {
        await using var database = await own.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        return (await database.ModelVersions.SingleAsync(v => v.Model == model && v.Version == version, Cancellation)).BatchProof;
    }
}
