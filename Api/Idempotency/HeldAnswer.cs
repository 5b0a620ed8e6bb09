namespace InferenceTemplate.Api.Idempotency;

/// <summary>
/// An answer's body, held back until it is stored: whoever has the answer finds it kept when asking again. One that is longer than may
/// be kept goes out as it comes.
/// </summary>
internal sealed class HeldAnswer(Stream body, int maxBytes) : Stream
{
    private readonly MemoryStream _held = new();

    /// <summary>Whether it is too long to be kept.</summary>
    public bool IsTooLong { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _held.GetBuffer().AsMemory(0, (int)_held.Length);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!IsTooLong && _held.Length + buffer.Length <= maxBytes)
        {
            _held.Write(buffer.Span);
            return;
        }

        if (!IsTooLong)
        {
            IsTooLong = true;
            await body.WriteAsync(Bytes, cancellationToken);
            _held.SetLength(0);
        }

        await body.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        IsTooLong ? body.FlushAsync(cancellationToken) : Task.CompletedTask;

    public override void Flush()
    {
        if (IsTooLong)
        {
            body.Flush();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("An answer is written asynchronously.");

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _held.Dispose();
        }

        base.Dispose(disposing);
    }
}
