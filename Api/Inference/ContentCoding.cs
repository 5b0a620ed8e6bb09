using System.IO.Compression;

namespace InferenceTemplate.Api.Inference;

/// <summary>Compression of bodies, as <c>Content-Encoding</c> and <c>Accept-Encoding</c> say (RFC 9110, section 8.4).</summary>
internal static class ContentCoding
{
    public const string Gzip = "gzip";

    private const string Known = "gzip, deflate, br";

    /// <summary>What the request's body is compressed with; empty where it is not.</summary>
    /// <exception cref="BadHttpRequestException">It is one that is not known here, or several (415).</exception>
    public static string Of(HttpRequest request)
    {
        var header = request.Headers.ContentEncoding;
        if (header.Count == 0)
        {
            return "";
        }

        switch (header.ToString().Trim().ToLowerInvariant())
        {
            case "" or "identity":
                return "";
            case "gzip" or "x-gzip":
                return Gzip;
            case "deflate":
                return "deflate";
            case "br":
                return "br";
        }

        request.HttpContext.Response.Headers.AcceptEncoding = Known;
        throw new BadHttpRequestException(
            $"Content-Encoding: '{header}' is not supported; send one of {Known}, or the body as it is",
            StatusCodes.Status415UnsupportedMediaType);
    }

    /// <summary>The body as it was before it was compressed; null where it was not. What it grows to is for the reader to bound.</summary>
    public static Stream? Decode(HttpRequest request, string coding) => coding switch
    {
        Gzip => new GZipStream(request.Body, CompressionMode.Decompress, leaveOpen: true),
        "deflate" => new ZLibStream(request.Body, CompressionMode.Decompress, leaveOpen: true),
        "br" => new BrotliStream(request.Body, CompressionMode.Decompress, leaveOpen: true),
        _ => null,
    };

    /// <summary>Whether a decoded body was read in vain since it is not what its coding says.</summary>
    public static bool IsOfData(Exception exception, string coding) => coding.Length > 0

        // ZLibException, for a body that needs a dictionary, is not public and an IOException, as is what a connection that breaks throws.
        && (exception is InvalidDataException or InvalidOperationException || exception.GetType().Assembly == typeof(ZLibStream).Assembly);

    /// <summary>Whether the caller asked for gzip, by its name.</summary>
    public static bool IsGzipAccepted(HttpRequest request) =>
        request.Headers.AcceptEncoding.Count > 0
        && request.GetTypedHeaders().AcceptEncoding.Any(
            e => e.Value.Equals(Gzip, StringComparison.OrdinalIgnoreCase) && e.Quality is null or > 0);
}
