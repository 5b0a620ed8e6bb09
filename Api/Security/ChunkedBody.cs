using Microsoft.AspNetCore.Http.Features;

namespace InferenceTemplate.Api.Security;

/// <summary>
/// The body of a request that does not tell its length. The server would not read on beyond its bound, and what the caller still sends
/// would reset the connection before the refusal is read: so the bound is kept here instead, and the rest can be thrown away.
/// </summary>
internal sealed class ChunkedBody(Stream body, long? bound) : Stream, IHttpMaxRequestBodySizeFeature
{
    private long? _bound = bound;
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public bool IsReadOnly => _read > 0;

    public long? MaxRequestBodySize
    {
        get => _bound;
        set => _bound = IsReadOnly
            ? throw new InvalidOperationException("The body is being read: its bound can't be changed any more.")
            : value;
    }

    /// <exception cref="BadHttpRequestException">More came than the bound allows (413).</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Counted(await body.ReadAsync(buffer, cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => Counted(body.Read(buffer, offset, count));

    public override void Flush()
    {
        // Nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Counted(int read)
    {
        _read += read;
        return _read <= (_bound ?? long.MaxValue)
            ? read
            : throw new BadHttpRequestException($"the body is larger than {_bound} bytes", StatusCodes.Status413PayloadTooLarge);
    }
}
