using System.Security.Cryptography;
using System.Text;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>A request's body that is hashed as it is read, however long it is.</summary>
internal sealed class HashingStream : Stream
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

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>SHA-256 of the target and of what was read.</summary>
    public byte[] Fingerprint() => _hash.GetCurrentHash();

    /// <summary>Reads what is left; false where that is more than <paramref name="most"/>, of which the rest stays unread.</summary>
    public async Task<bool> DrainAsync(long most, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 << 10];
        var left = most;
        while (left >= 0)
        {
            var read = await ReadAsync(buffer, cancellationToken);
            if (read == 0)
            {
                return true;
            }

            left -= read;
        }

        return false;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _body.ReadAsync(buffer, cancellationToken);
        Add(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = _body.Read(buffer, offset, count);
        Add(buffer.AsSpan(offset, read));
        return read;
    }

    public override void Flush()
    {
        // Nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        BytesRead += bytes.Length;
        _hash.AppendData(bytes);
    }
}
