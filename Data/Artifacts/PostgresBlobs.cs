using System.Buffers;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>
/// Blobs as rows of 1 MiB: backed up with everything else, and no shared volume is needed. Each piece is a transaction
/// of its own, so that a slow upload holds neither a connection nor back the vacuum.
/// </summary>
public sealed class PostgresBlobs(NpgsqlDataSource dataSource) : IBlobStore
{
    public const int ChunkBytes = 1 << 20;

    public async Task WriteAsync(Guid blob, Stream content, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (var number = 0; ; number++)
            {
                var length = await content.ReadAtLeastAsync(
                    buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellationToken);
                if (length > 0 || number == 0)
                {
                    await InsertAsync(blob, number, buffer.AsMemory(0, length), cancellationToken);
                }

                if (length < ChunkBytes)
                {
                    return;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public async Task<Stream> OpenReadAsync(Guid blob, CancellationToken cancellationToken)
    {
        var chunks = ReadAsync(blob, cancellationToken).GetAsyncEnumerator(cancellationToken);
        if (await chunks.MoveNextAsync())
        {
            return new ChunkStream(chunks);
        }

        await chunks.DisposeAsync();
        throw new ArtifactMissingException($"{blob:N}");
    }

    public async Task DeleteAsync(Guid blob, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("DELETE FROM artefact_chunks WHERE blob = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = blob });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task InsertAsync(Guid blob, int number, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("INSERT INTO artefact_chunks (blob, number, data) VALUES ($1, $2, $3)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = blob });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
        command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = data, NpgsqlDbType = NpgsqlDbType.Bytea });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // A query for each piece: a reader over all would hold its connection as long as the slowest client reads.
    private async IAsyncEnumerable<byte[]> ReadAsync(Guid blob, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var number = 0; ; number++)
        {
            await using var command = dataSource.CreateCommand("SELECT data FROM artefact_chunks WHERE blob = $1 AND number = $2");
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = blob });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
            if (await command.ExecuteScalarAsync(cancellationToken) is not byte[] data)
            {
                yield break;
            }

            yield return data;
            if (data.Length < ChunkBytes)
            {
                yield break;
            }
        }
    }
}
