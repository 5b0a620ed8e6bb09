using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Grpc.Core;

namespace InferenceTemplate.Client;

/// <summary>Why a call gave no result.</summary>
public enum InferenceError
{
    /// <summary>The request is not valid, or does not fit the model (400, 406, 414, 415, 422, 431).</summary>
    InvalidRequest,

    /// <summary>Credentials are missing, unknown, expired or revoked, or the tenant is suspended (401).</summary>
    Unauthenticated,

    /// <summary>The role does not allow it (403).</summary>
    Forbidden,

    /// <summary>No such model, version or job, or none that the caller may use (404).</summary>
    NotFound,

    /// <summary>It conflicts with the present state: a job that has not ended, a version that exists (409, 412).</summary>
    Conflict,

    /// <summary>No longer kept (410).</summary>
    Gone,

    /// <summary>The body is too large, or the outputs are (413).</summary>
    TooLarge,

    /// <summary>A limit of the tenant; see <see cref="InferenceException.RetryAfter"/> (429).</summary>
    RateLimited,

    /// <summary>The platform can't take it now: the queue is full, or something that it needs is away (425, 502, 503).</summary>
    Unavailable,

    /// <summary>The timeout passed, at the platform (408, 504) or before any word from it. The request may have run.</summary>
    TimedOut,

    /// <summary>The connection failed, or broke before the response was there. The request may have run.</summary>
    Unreachable,

    /// <summary>The platform failed (500), or its response can't be understood.</summary>
    Failed,
}

/// <summary>A call gave no result: <see cref="Error"/> says why.</summary>
public sealed class InferenceException : Exception
{
    internal InferenceException(InferenceError error, string message, Exception? innerException = null)
        : base(message, innerException) => Error = error;

    /// <summary>Why.</summary>
    public InferenceError Error { get; }

    /// <summary>The status of the response; null where there was none, and over gRPC.</summary>
    public HttpStatusCode? Status { get; private init; }

    /// <summary>Of the problem details; null where the response had none.</summary>
    public string? Title { get; private init; }

    /// <summary>What was wrong, in the platform's words; null where it gave none.</summary>
    public string? Detail { get; private init; }

    /// <summary>What to look the request up by, in traces and logs.</summary>
    public string? TraceId { get; private init; }

    /// <summary>After which time it may be tried again; null where the platform did not say.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>What a response that is no success says.</summary>
    internal static async Task<InferenceException> OfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var problem = await ProblemAsync(response, cancellationToken).ConfigureAwait(false);
        var detail = problem?.Error is { ValueKind: JsonValueKind.String } error ? error.GetString() : problem?.Detail;
        return new(ErrorOf(response.StatusCode), $"{(int)response.StatusCode}: {detail ?? problem?.Title ?? response.ReasonPhrase}")
        {
            Status = response.StatusCode,
            Title = problem?.Title,
            Detail = detail,
            TraceId = problem?.TraceId
                ?? (response.Headers.TryGetValues("X-Correlation-Id", out var ids) ? ids.FirstOrDefault() : null),
            RetryAfter = RepeatPolicy.RetryAfter(response),
        };
    }

    /// <summary>What a call over gRPC that gave no result says.</summary>
    internal static InferenceException Of(RpcException exception)
    {
        TimeSpan? retryAfter = int.TryParse(
            exception.Trailers.GetValue("retry-after"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : null;
        var error = exception.StatusCode switch
        {
            StatusCode.DeadlineExceeded => InferenceError.TimedOut,
            _ when exception.Status.DebugException is not null => InferenceError.Unreachable,
            StatusCode.InvalidArgument => InferenceError.InvalidRequest,
            StatusCode.Unauthenticated => InferenceError.Unauthenticated,
            StatusCode.PermissionDenied => InferenceError.Forbidden,
            StatusCode.NotFound => InferenceError.NotFound,
            StatusCode.ResourceExhausted => retryAfter is null ? InferenceError.TooLarge : InferenceError.RateLimited,
            StatusCode.Unavailable => InferenceError.Unavailable,
            _ => InferenceError.Failed,
        };
        return new(error, $"{exception.StatusCode}: {exception.Status.Detail}", exception)
        {
            Detail = exception.Status.Detail,
            TraceId = exception.Trailers.GetValue("x-correlation-id"),
            RetryAfter = retryAfter,
        };
    }

    private static async Task<Problem?> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType is not ("application/json" or "application/problem+json"))
        {
            return null;
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            try
            {
                return await JsonSerializer.DeserializeAsync(body, ClientJson.Default.Problem, cancellationToken).ConfigureAwait(false);
            }
            catch (JsonException)
            {
                // The status says enough; a proxy may have written the rest.
                return null;
            }
        }
    }

    private static InferenceError ErrorOf(HttpStatusCode status) => (int)status switch
    {
        401 => InferenceError.Unauthenticated,
        403 => InferenceError.Forbidden,
        404 => InferenceError.NotFound,
        409 or 412 => InferenceError.Conflict,
        410 => InferenceError.Gone,
        413 => InferenceError.TooLarge,
        429 => InferenceError.RateLimited,
        425 or 502 or 503 => InferenceError.Unavailable,
        408 or 504 => InferenceError.TimedOut,
        >= 400 and < 500 => InferenceError.InvalidRequest,
        _ => InferenceError.Failed,
    };
}

/// <summary>An error's body: the protocol's on <c>/v2</c>, problem details (RFC 9457) elsewhere.</summary>
/// <param name="Error">A text by the protocol; beside problem details the object that clients of OpenAI read.</param>
internal sealed record Problem(
    JsonElement? Error, string? Title, string? Detail, [property: JsonPropertyName("traceId")] string? TraceId);
