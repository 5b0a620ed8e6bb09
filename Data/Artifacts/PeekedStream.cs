using InferenceTemplate.Core;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>A stream whose first bytes have been looked at, and are read again.</summary>
public sealed class PeekedStream : ForwardStream
{
    private readonly Stream _inner;
    private readonly ReadOnlyMemory<byte> _head;
    private int _read;

    private PeekedStream(Stream inner, ReadOnlyMemory<byte> head) => (_inner, _head) = (inner, head);

    public ReadOnlySpan<byte> Head => _head.Span;

    /// <param name="inner">Is disposed with this.</param>
    public static async Task<PeekedStream> OpenAsync(Stream inner, int headBytes, CancellationToken cancellationToken)
    {
        var head = new byte[headBytes];
        try
        {
            var length = await inner.ReadAtLeastAsync(head, headBytes, throwOnEndOfStream: false, cancellationToken);
            return new PeekedStream(inner, head.AsMemory(0, length));
        }
        catch
        {
            await inner.DisposeAsync();
            throw;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_read == _head.Length)
        {
            return _inner.ReadAsync(buffer, cancellationToken);
        }

        var length = Math.Min(buffer.Length, _head.Length - _read);
        _head.Slice(_read, length).CopyTo(buffer);
        _read += length;
        return ValueTask.FromResult(length);
    }

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
