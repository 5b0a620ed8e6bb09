using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace InferenceTemplate.Tests.Storage;

public sealed class CatalogRefreshTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refreshes_that_come_while_one_reads_share_the_next()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var catalog = new ModelCatalog(own.Source, TimeProvider.System, NullLogger<ModelCatalog>.Instance);
        var readings = 0;
        catalog.Refreshed += (_, _) => Interlocked.Increment(ref readings);
        // Whoever reads waits for this lock.
        await using var holder = await own.Source.OpenConnectionAsync(Cancellation);
        await using var held = await holder.BeginTransactionAsync(Cancellation);
        await using (var take = holder.CreateCommand())
        {
            take.CommandText = "LOCK TABLE models IN ACCESS EXCLUSIVE MODE";
            await take.ExecuteNonQueryAsync(Cancellation);
        }

        var first = catalog.RefreshAsync(Cancellation);
        await Wait.UntilAsync(
            async () => await own.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'models'::regclass") == 1,
            awaited: "the catalog's reading");
        var others = Enumerable.Range(0, 100).Select(_ => catalog.RefreshAsync(Cancellation)).ToArray();
        await held.RollbackAsync(Cancellation);
        var (before, after) = (await first, await Task.WhenAll(others));

        Assert.Equal(2, readings);
        Assert.All(after, snapshot => Assert.NotSame(before, snapshot));
    }

    // It is read without EF Core: whatever a row may say has to come by that way too.
    [Fact]
    public async Task Snapshot_says_all_that_the_rows_say()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var moment = new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.Zero);
        var version = new ModelVersion
        {
            Model = "m",
            Version = "7",
            Platform = "onnx",
            Sha256 = new string('a', 64),
            SizeBytes = 5_000_000_000,
            State = VersionState.Rejected,
            Reason = "because",
            Signature = new ModelSignature([new TensorSignature("x", Datatype.Fp32, [-1, 4])], [new TensorSignature("y", Datatype.Int64, [-1])]),
            Metadata = new VersionMetadata { Producer = "p", Opsets = new Dictionary<string, long> { ["ai.onnx"] = 17 } },
            Labels = new Dictionary<string, string> { ["stage"] = "test" },
            MemoryBytes = 6_000_000_000,
            BatchProof = new BatchProof(false, "why", Contradicted: true),
            ProofOutdated = true,
            HasSample = true,
            CreatedBy = "somebody",
            RegisteredAt = moment,
            InspectionLease = moment.AddMinutes(1),
            InspectionAttempts = 3,
        };
        var plain = new ModelVersion
        {
            Model = "m",
            Version = "8",
            Platform = "onnx",
            Sha256 = new string('b', 64),
            Signature = new ModelSignature([], []),
            RegisteredAt = moment,
        };
        var model = new Model
        {
            Name = "m",
            Settings = new ModelSettings { Traffic = new TrafficPolicy { Stable = "8" } },
            Residency = Residency.Load,
            PreviousStable = "7",
            CreatedAt = moment,
            UpdatedAt = moment.AddHours(1),
        };
        var alias = new ModelAlias { Model = "m", Alias = "production", Version = "8", UpdatedAt = moment };
        await using (var database = await own.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation))
        {
            database.AddRange(model, version, plain, alias);
            await database.SaveChangesAsync(Cancellation);
        }

        var snapshot = await own.Get<ModelCatalog>().RefreshAsync(Cancellation);

        Assert.Equal(Text(model), Text(Assert.Single(snapshot.Models)));
        Assert.Equal([Text(version), Text(plain)], snapshot.AllVersions.Select(Text));
        Assert.Equal(Text(alias), Text(Assert.Single(snapshot.AliasesOf("m"))));

        static string Text<T>(T row) => JsonSerializer.Serialize(row);
    }
}
