using System.Buffers;

namespace InferenceTemplate.Api.Inference;

/// <summary>A request's whole body in a pooled array, decompressed.</summary>
internal sealed class RequestBody : IDisposable
{
    // What a sender announces costs nothing; what it sends does. So no more than this is taken before any of it has come.
    private const int MaxTakenInAdvance = 1024 * 1024;

    private byte[] _buffer;
    private int _length;

    private RequestBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, _length);

    /// <exception cref="InvalidInferBodyException">The body is empty, or not compressed as it says.</exception>
    /// <exception cref="BadHttpRequestException">
    /// The body is larger than allowed (413), also once decompressed; ended too early (400); or its encoding is not known (415).
    /// </exception>
    public static async Task<RequestBody> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var body = await ReadOrEmptyAsync(request, maxBytes, cancellationToken);
        if (body._length > 0)
        {
            return body;
        }

        body.Dispose();
        throw new InvalidInferBodyException("the body is empty");
    }

    /// <inheritdoc cref="ReadAsync"/>
    public static async Task<RequestBody> ReadOrEmptyAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var announced = request.ContentLength ?? 0;
        if (announced > maxBytes)
        {
            throw TooLarge(maxBytes, "");
        }

        var coding = ContentCoding.Of(request);
        await using var decoded = ContentCoding.Decode(request, coding);
        var body = new RequestBody((int)Math.Clamp(announced + 1, 4096, MaxTakenInAdvance));
        try
        {
            int read;
            while ((read = await ReadSomeAsync(
                decoded ?? request.Body, coding, body._buffer.AsMemory(body._length), cancellationToken)) > 0)
            {
                body._length += read;
                if (body._length > maxBytes)
                {
                    throw TooLarge(maxBytes, decoded is null ? "" : " once decompressed");
                }

                if (body._length == body._buffer.Length)
                {
                    body.Grow((int)announced + 1);
                }
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _length = 0;
    }

    private static async ValueTask<int> ReadSomeAsync(
        Stream stream, string coding, Memory<byte> target, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(target, cancellationToken);
        }
        catch (Exception exception) when (ContentCoding.IsOfData(exception, coding))
        {
            throw new InvalidInferBodyException($"the body is not {coding}, as Content-Encoding says");
        }
    }

    private void Grow(int announced)
    {
        var doubled = _buffer.Length * 2;
        var larger = ArrayPool<byte>.Shared.Rent(announced > _buffer.Length ? Math.Min(announced, doubled) : doubled);
        Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static BadHttpRequestException TooLarge(int maxBytes, string when) =>
        new($"the body is larger than {maxBytes} bytes{when}", StatusCodes.Status413PayloadTooLarge);
}
