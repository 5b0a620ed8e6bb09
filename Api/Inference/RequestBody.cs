using System.Buffers;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Inference;

/// <summary>A request's whole body in a pooled array, decompressed.</summary>
internal sealed class RequestBody : IDisposable
{
    // What a sender announces costs nothing; what it sends does. So no more than this is taken before any of it has come.
    private const int MaxTakenInAdvance = 1024 * 1024;

    private byte[] _buffer = [];
    private int _length;
    private BodyBudget? _budget;
    private string _tenant = "";
    private long _counted;

    private RequestBody()
    {
    }

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, _length);

    /// <exception cref="InvalidInferBodyException">The body is empty, or not compressed as it says.</exception>
    /// <exception cref="BadHttpRequestException">
    /// The body is larger than allowed (413), also once decompressed; ended too early (400); its encoding is not known (415); or there is
    /// no room for it now (429, 503).
    /// </exception>
    public static async ValueTask<RequestBody> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
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
    public static async ValueTask<RequestBody> ReadOrEmptyAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var announced = request.ContentLength ?? 0;
        if (announced > maxBytes)
        {
            throw TooLarge(maxBytes, "");
        }

        var coding = ContentCoding.Of(request);
        await using var decoded = ContentCoding.Decode(request, coding);
        var body = new RequestBody();
        try
        {
            body.Grow((int)Math.Clamp(announced + 1, 4096, MaxTakenInAdvance), request);
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
                    var doubled = body._buffer.Length * 2;
                    body.Grow(announced >= body._buffer.Length ? Math.Min((int)announced + 1, doubled) : doubled, request);
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
        Return();
        _buffer = [];
        _length = 0;
        if (_counted > 0)
        {
            _budget!.Return(_tenant, _counted);
            _counted = 0;
        }
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

    private void Grow(int bytes, HttpRequest request)
    {
        if (bytes > BodyBudget.Uncounted)
        {
            Count(bytes - _counted, request.HttpContext);
        }

        var larger = ArrayPool<byte>.Shared.Rent(bytes);
        Span.CopyTo(larger);
        Return();
        _buffer = larger;
    }

    // A body that is small asks no services.
    private void Count(long bytes, HttpContext context)
    {
        _budget ??= context.RequestServices?.GetService<BodyBudget>();
        if (_budget is { } budget)
        {
            _tenant = context.User.TenantId();
            budget.Take(_tenant, bytes);
            _counted += bytes;
        }
    }

    private void Return()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    private static BadHttpRequestException TooLarge(int maxBytes, string when) =>
        new($"the body is larger than {maxBytes} bytes{when}", StatusCodes.Status413PayloadTooLarge);
}
