using Npgsql;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>A blob that has been written but belongs to no artifact yet.</summary>
public sealed record StagedArtifact(Guid Blob, string Sha256, long SizeBytes);

/// <summary>
/// Files of models by their SHA-256, each kept once. Which there are stands in Postgres, whatever store holds the bytes;
/// <see cref="ArtifactReferences"/> says how one comes and goes.
/// </summary>
public sealed class ArtifactStore(NpgsqlDataSource dataSource, IBlobStore blobs, TimeProvider time)
{
    // Longer than any upload takes; what is still loose then was left behind by a process that died.
    private static readonly TimeSpan StagedFor = TimeSpan.FromHours(24);

    /// <summary>Writes content that no version refers to yet. It is gone within a day unless it is committed.</summary>
    /// <exception cref="ArtifactTooLargeException">There is more than <paramref name="maxBytes"/>; nothing stays.</exception>
    public async Task<StagedArtifact> StageAsync(Stream content, long maxBytes, CancellationToken cancellationToken)
    {
        var blob = Guid.CreateVersion7(time.GetUtcNow());
        await using (var command = dataSource.CreateCommand("INSERT INTO loose_blobs (blob, remove_after) VALUES ($1, $2)"))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = blob });
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow() + StagedFor });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var measured = new MeasuredStream(content, maxBytes);
        try
        {
            await blobs.WriteAsync(blob, measured, cancellationToken);
        }
        catch
        {
            await DiscardAsync(blob);
            throw;
        }

        return new StagedArtifact(blob, measured.Sha256, measured.Count);
    }

    /// <summary>A forward-only stream, checked as it is read: the end is only reached where hash and length are right.</summary>
    /// <exception cref="ArtifactMissingException">There is no such artifact.</exception>
    public async Task<Stream> OpenReadAsync(string sha256, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT blob, size_bytes FROM artefacts WHERE sha256 = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
        {
            throw new ArtifactMissingException(sha256);
        }

        var (blob, size) = (row.GetGuid(0), row.GetInt64(1));
        await row.CloseAsync();
        return new VerifiedStream(await blobs.OpenReadAsync(blob, cancellationToken), sha256, size);
    }

    public async Task<bool> ExistsAsync(string sha256, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT FROM artefacts WHERE sha256 = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken);
    }

    /// <summary>
    /// Removes a blob if it is loose, now; where that fails, the next sweep tries again. One that a version has by now stays: the answer to
    /// its commit may be what was lost.
    /// </summary>
    public async Task DiscardAsync(Guid blob)
    {
        try
        {
            // Not the caller's token: an upload that was broken off is exactly what must be cleaned up.
            await RemoveLooseAsync(blob, CancellationToken.None);
        }
        catch (Exception exception) when (exception is ArtifactStoreUnavailableException || Outages.IsOfDatabase(exception))
        {
            // Its row stays, so the sweep finds it.
        }
    }

    /// <summary>Removes what was loose for too long.</summary>
    /// <returns>How many blobs.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var loose = new List<Guid>();
        await using (var command = dataSource.CreateCommand(
            "SELECT l.blob FROM loose_blobs l WHERE l.remove_after < $1 AND NOT EXISTS (SELECT FROM artefacts a WHERE a.blob = l.blob)"))
        {
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow() });
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                loose.Add(rows.GetGuid(0));
            }
        }

        foreach (var blob in loose)
        {
            await RemoveLooseAsync(blob, cancellationToken);
        }

        return loose.Count;
    }

    // The row is gone once a version has the blob; its lock waits for a commit that is under way. It goes after the blob, so that what
    // fails is tried again.
    private async Task RemoveLooseAsync(Guid blob, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var take = new NpgsqlCommand("DELETE FROM loose_blobs WHERE blob = $1", connection, transaction);
        take.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = blob });
        if (await take.ExecuteNonQueryAsync(cancellationToken) == 1)
        {
            await blobs.DeleteAsync(blob, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
    }
}
