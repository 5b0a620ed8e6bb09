using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.ExceptionServices;

namespace InferenceTemplate.Client;

/// <summary>A body that is sent while it is read from a stream, which stays open; nothing of it is held.</summary>
internal sealed class UploadContent : HttpContent
{
    private const int PieceBytes = 128 << 10;

    private readonly Stream _source;
    private readonly long? _length;
    private readonly IProgress<long>? _progress;

    /// <param name="progress">Told the bytes sent so far.</param>
    public UploadContent(Stream source, string contentType, IProgress<long>? progress = null)
    {
        _source = source;
        _length = source.CanSeek ? source.Length - source.Position : null;
        _progress = progress;
        Headers.ContentType = new MediaTypeHeaderValue(contentType);
    }

    /// <summary>What reading the source threw: the caller's matter, and not the connection's.</summary>
    public ExceptionDispatchInfo? SourceFailure { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            long sent = 0;
            while (await ReadAsync(piece, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                await stream.WriteAsync(piece.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                _progress?.Report(sent += read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private async ValueTask<int> ReadAsync(byte[] piece, CancellationToken cancellationToken)
    {
        try
        {
            return await _source.ReadAsync(piece, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            SourceFailure = ExceptionDispatchInfo.Capture(exception);
            throw;
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _length ?? 0;
        return _length is not null;
    }
}
