using System.Buffers;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>A request's whole body in a pooled array.</summary>
internal sealed class RequestBody : IDisposable
{
    private byte[] _buffer;
    private int _length;

    private RequestBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, _length);

    /// <exception cref="InvalidInferBodyException">The body is empty.</exception>
    /// <exception cref="BadHttpRequestException">The body is larger than allowed (413), or ended too early (400).</exception>
    public static async Task<RequestBody> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        var body = new RequestBody((int)Math.Max(request.ContentLength ?? 0, 4096) + 1);
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(body._buffer.AsMemory(body._length), cancellationToken)) > 0)
            {
                body._length += read;
                if (body._length > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                if (body._length == body._buffer.Length)
                {
                    body.Grow();
                }
            }

            return body._length > 0 ? body : throw new InvalidInferBodyException("the body is empty");
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

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static BadHttpRequestException TooLarge(int maxBytes) =>
        new($"the body is larger than {maxBytes} bytes", StatusCodes.Status413PayloadTooLarge);
}
