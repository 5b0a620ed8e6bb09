using InferenceTemplate.Core;
using Microsoft.AspNetCore.Http.Features;

namespace InferenceTemplate.Api.Security;

/// <summary>
/// The body of a request that does not tell its length. The server would not read on beyond its bound, and what the caller still sends
/// would reset the connection before the refusal is read: so the bound is kept here instead, and the rest can be thrown away.
/// </summary>
internal sealed class ChunkedBody(Stream body, long? bound) : ForwardStream, IHttpMaxRequestBodySizeFeature
{
    private long? _bound = bound;
    private long _read;

    public bool IsReadOnly => _read > 0;

    public long? MaxRequestBodySize
    {
        get => _bound;
        set => _bound = IsReadOnly
            ? throw new InvalidOperationException("The body is being read: its bound can't be changed any more.")
            : value;
    }

    /// <exception cref="BadHttpRequestException">More came than the bound allows (413).</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await body.ReadAsync(buffer, cancellationToken);
        _read += read;
        return _read <= (_bound ?? long.MaxValue)
            ? read
            : throw new BadHttpRequestException($"the body is larger than {_bound} bytes", StatusCodes.Status413PayloadTooLarge);
    }
}
