using System.Security.Cryptography;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Storage;

/// <summary>Both stores, by the same tests.</summary>
// They count what is in the store, all of it.
[Collection("artifacts")]
public sealed class ArtifactStoreTests(Servers servers)
{
    // None, a piece, exactly one chunk of Postgres, more; in S3 a piece, exactly one part, more. (Empty uploads are refused.)
    public static TheoryData<bool, int> Sizes => new()
    {
        { false, 0 }, { false, 1 }, { false, 1 << 20 }, { false, (3 << 20) + 7 },
        { true, 1 }, { true, 5 << 20 }, { true, (11 << 20) + 7 },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Artifact_is_read_as_it_was_written(bool s3, int size)
    {
        await using var server = await S3Async(s3);
        await using var registry = await Registry.OpenAsync(servers, Cancellation, server);
        var content = Content(size);

        var (version, _) = await registry.AddAsync(NewName(), null, content, Cancellation);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), version!.Sha256);
        Assert.Equal(size, version.SizeBytes);
        Assert.Equal(content, await registry.ReadAsync(version.Sha256, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Same_content_is_kept_once_and_goes_with_its_last_version(bool s3)
    {
        await using var server = await S3Async(s3);
        await using var registry = await Registry.OpenAsync(servers, Cancellation, server);
        var (model, content) = (NewName(), Content(100_000));

        var (first, _) = await registry.AddAsync(model, "1", content, Cancellation);
        await registry.AddAsync(model, "2", content, Cancellation);
        await using var database = await registry.DatabaseAsync();
        Assert.Equal(1, await database.Artifacts.CountAsync(a => a.Sha256 == first!.Sha256, Cancellation));

        Assert.Null(await registry.Removal.DeleteVersionAsync(model, "1", false, "test", Cancellation));
        Assert.Equal(content, await registry.ReadAsync(first!.Sha256, Cancellation));

        Assert.Null(await registry.Removal.DeleteVersionAsync(model, "2", false, "test", Cancellation));
        await Assert.ThrowsAsync<ArtifactMissingException>(() => registry.ReadAsync(first.Sha256, Cancellation));
        Assert.Empty(await LooseAsync(registry));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Broken_off_upload_leaves_nothing_behind(bool s3)
    {
        await using var server = await S3Async(s3);
        await using var registry = await Registry.OpenAsync(servers, Cancellation, server);
        await using var database = await registry.DatabaseAsync();
        var before = await ChunksAsync(database);

        await Assert.ThrowsAsync<IOException>(() =>
            registry.Artifacts.StageAsync(new BreakingStream(Content(7 << 20)), long.MaxValue, Cancellation));
        await Assert.ThrowsAsync<ArtifactTooLargeException>(() =>
            registry.Artifacts.StageAsync(new MemoryStream(Content(7 << 20)), 6 << 20, Cancellation));

        Assert.Equal(before, await ChunksAsync(database));
        Assert.Empty(await LooseAsync(registry));
    }

    [Fact]
    public async Task Damaged_artifact_is_not_read_to_its_end()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var (version, _) = await registry.AddAsync(NewName(), null, Content(2 << 20), Cancellation);
        await using var database = await registry.DatabaseAsync();
        await database.Database.ExecuteSqlAsync(
            $"UPDATE artefact_chunks SET data = set_byte(data, 5, get_byte(data, 5) # 1) WHERE number = 1 AND blob = (SELECT blob FROM artefacts WHERE sha256 = {version!.Sha256})",
            Cancellation);

        await Assert.ThrowsAsync<ArtifactDamagedException>(() => registry.ReadAsync(version.Sha256, Cancellation));
    }

    [Fact]
    public async Task Sweep_removes_what_a_process_that_died_left()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var staged = await registry.Artifacts.StageAsync(new MemoryStream(Content(1000)), long.MaxValue, Cancellation);
        await using var database = await registry.DatabaseAsync();
        await registry.Artifacts.SweepAsync(Cancellation);
        Assert.Single(await LooseAsync(registry), staged.Blob);

        await database.LooseBlobs.Where(l => l.Blob == staged.Blob)
            .ExecuteUpdateAsync(l => l.SetProperty(b => b.RemoveAfter, DateTimeOffset.UnixEpoch), Cancellation);
        await registry.Artifacts.SweepAsync(Cancellation);

        Assert.Empty(await LooseAsync(registry));
        Assert.False(await database.Set<ArtifactChunk>().AnyAsync(c => c.Blob == staged.Blob, Cancellation));
    }

    // As when the answer to the commit is lost: to the one who commits it failed, and the blob is discarded.
    [Fact]
    public async Task Blob_that_a_version_has_is_not_discarded()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var content = Content(1000);
        var (version, _) = await registry.AddAsync(NewName(), null, content, Cancellation);
        await using var database = await registry.DatabaseAsync();
        var blob = await database.Artifacts.Where(a => a.Sha256 == version!.Sha256).Select(a => a.Blob).SingleAsync(Cancellation);

        await registry.Artifacts.DiscardAsync(blob);

        Assert.Equal(content, await registry.ReadAsync(version!.Sha256, Cancellation));
    }

    [Fact]
    public async Task Blob_whose_commit_is_under_way_is_not_discarded()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var staged = await registry.Artifacts.StageAsync(new MemoryStream(Content(1000)), long.MaxValue, Cancellation);
        await using var database = await registry.DatabaseAsync();
        await using var transaction = await database.Database.BeginTransactionAsync(Cancellation);
        Assert.True(await ArtifactReferences.CommitAsync(database, staged, TimeProvider.System.GetUtcNow(), Cancellation));

        var discarding = registry.Artifacts.DiscardAsync(staged.Blob);
        await Task.WhenAny(discarding, Task.Delay(200, Cancellation));
        await transaction.CommitAsync(Cancellation);
        await discarding;

        Assert.Equal(1000, (await registry.ReadAsync(staged.Sha256, Cancellation)).Length);
    }

    private static async Task<S3Server?> S3Async(bool s3)
    {
        if (!s3)
        {
            return null;
        }

        S3Server.SkipUnlessInstalled();
        return await S3Server.StartAsync(Cancellation);
    }

    private static async Task<List<Guid>> LooseAsync(Registry registry)
    {
        await using var database = await registry.DatabaseAsync();
        return await database.LooseBlobs.Select(l => l.Blob).ToListAsync(Cancellation);
    }

    private static Task<int> ChunksAsync(InferenceDbContext database) =>
        database.Set<ArtifactChunk>().CountAsync(Cancellation);

    private static string NewName() => $"artifact-{Guid.NewGuid():N}";

    private static byte[] Content(int size)
    {
        var bytes = new byte[size];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Ends with an error, as a request's body does when its sender leaves.</summary>
    private sealed class BreakingStream(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => Position == Length
            ? throw new IOException("The sender left.")
            : base.ReadAsync(buffer, cancellationToken);
    }
}
