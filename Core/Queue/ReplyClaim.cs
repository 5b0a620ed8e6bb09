using System.Buffers.Binary;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Says where an answer lies that is too large for a message: in so many values of Redis, each short enough to hold nobody up.
/// </summary>
/// <param name="Id">Of the call.</param>
/// <param name="Length">Bytes of the answer, in the form of <see cref="ReplyBatch"/>.</param>
/// <param name="ChunkBytes">Bytes of each value but the last.</param>
public sealed record ReplyClaim(Guid Id, int Length, int ChunkBytes)
{
    /// <summary>Bytes of a value: what others wait for on the same connection, once for each.</summary>
    public const int DefaultChunkBytes = 1 << 20;

    // The first byte of a message tells it from a batch of answers.
    private const byte Format = 2;
    private const int Size = 1 + 16 + 4 + 4;

    public int Chunks => (int)(((long)Length + ChunkBytes - 1) / ChunkBytes);

    public static bool Is(ReadOnlySpan<byte> message) => message is [Format, ..];

    /// <exception cref="InvalidDataException">The message is cut short or damaged.</exception>
    public static ReplyClaim Decode(ReadOnlySpan<byte> message)
    {
        if (message.Length != Size || !Is(message))
        {
            throw new InvalidDataException($"A claim of an answer has {message.Length} bytes; {Size} expected.");
        }

        var claim = new ReplyClaim(
            new Guid(message[1..17]), BinaryPrimitives.ReadInt32LittleEndian(message[17..]),
            BinaryPrimitives.ReadInt32LittleEndian(message[21..]));
        return claim is { Length: > 0, ChunkBytes: >= 1024 }
            ? claim
            : throw new InvalidDataException($"A claim of an answer names {claim.Length} bytes in values of {claim.ChunkBytes}.");
    }

    public byte[] Encode()
    {
        var message = new byte[Size];
        message[0] = Format;
        Id.TryWriteBytes(message.AsSpan(1));
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(17), Length);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(21), ChunkBytes);
        return message;
    }

    /// <summary>Where each of the values begins in the answer, and its length.</summary>
    public (int Start, int Length) Chunk(int index) => (index * ChunkBytes, Math.Min(ChunkBytes, Length - (index * ChunkBytes)));

    public RedisKey Key(int index) => QueueKeys.Answer(Id, index);

    /// <summary>Frees the values, without waiting.</summary>
    public void Forget(IDatabase database)
    {
        var id = Id;
        database.KeyDelete([.. Enumerable.Range(0, Chunks).Select(i => QueueKeys.Answer(id, i))], CommandFlags.FireAndForget);
    }
}
