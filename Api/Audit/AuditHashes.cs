using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Audit;

/// <summary>
/// The digests of the chain. Every field goes in with its length, a missing one with -1, so that no two entries have one form;
/// numbers are big-endian, texts UTF-8, times microseconds since 1970.
/// </summary>
public static class AuditHashes
{
    public const int Size = SHA256.HashSizeInBytes;
    public const int SaltSize = 16;

    private const byte FormatVersion = 1;

    /// <summary>What the first entry follows.</summary>
    public static byte[] Beginning => new byte[Size];

    public static byte[] OfEntry(AuditEntry entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([FormatVersion]);
        Append(hash, entry.PreviousHash);
        Append(hash, entry.Sequence);
        Append(hash, entry.EventId.ToByteArray(bigEndian: true));
        Append(hash, (entry.At - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        Append(hash, entry.Action);
        Append(hash, entry.ActorId.ToByteArray(bigEndian: true));
        Append(hash, entry.TenantId);
        Append(hash, entry.Subject);
        Append(hash, entry.DetailsDigest);
        return hash.GetHashAndReset();
    }

    /// <param name="salt">Random: what is forgotten can't be found again by trying likely values.</param>
    public static byte[] OfDetails(byte[] salt, IReadOnlyDictionary<string, string> facts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([FormatVersion]);
        Append(hash, salt);
        foreach (var (key, value) in facts.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            Append(hash, key);
            Append(hash, value);
        }

        return hash.GetHashAndReset();
    }

    public static Guid OfActor(byte[] salt, string? tenant, string name)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([FormatVersion]);
        Append(hash, salt);
        Append(hash, tenant);
        Append(hash, name);
        return new Guid(hash.GetHashAndReset().AsSpan(0, 16), bigEndian: true);
    }

    private static void Append(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, string? text) => Append(hash, text is null ? null : Encoding.UTF8.GetBytes(text));

    private static void Append(IncrementalHash hash, byte[]? bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes?.Length ?? -1);
        hash.AppendData(length);
        hash.AppendData(bytes ?? []);
    }
}
