using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Core;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>A request's body that is hashed as it is read, however long it is.</summary>
internal sealed class HashingStream : ForwardStream
{
    private readonly Stream _body;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <param name="target">What the request is for; it is part of the fingerprint.</param>
    public HashingStream(Stream body, string target)
    {
        _body = body;
        _hash.AppendData(Encoding.UTF8.GetBytes(target));
        _hash.AppendData([0]);
    }

    /// <summary>Bytes read so far.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Whether a read has met the end.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>SHA-256 of the target and of what was read.</summary>
    public byte[] Fingerprint() => _hash.GetCurrentHash();

    /// <summary>Reads what is left; false where that is more than <paramref name="most"/>, of which the rest stays unread.</summary>
    public async Task<bool> DrainAsync(long most, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 << 10];
        var left = most;
        while (left >= 0 && !HasEnded)
        {
            var read = await ReadAsync(buffer, cancellationToken);
            left -= read;
        }

        return HasEnded;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _body.ReadAsync(buffer, cancellationToken);
        HasEnded |= read == 0 && buffer.Length > 0;
        BytesRead += read;
        _hash.AppendData(buffer.Span[..read]);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }
}
