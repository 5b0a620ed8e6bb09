using System.Globalization;
using System.Text;
using Grpc.Core;
using Grpc.Core.Interceptors;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Grpc;

/// <summary>
/// Errors as statuses of gRPC: outcomes that were expected, failures that were not (logged once, and told without any of it), and what
/// was refused before a method was called, such as a missing key.
/// </summary>
internal sealed partial class GrpcErrors(IOptions<ErrorResponses> responses, ILogger<GrpcErrors> logger) : Interceptor
{
    private const string ContentType = "application/grpc";
    private const string RetryAfter = "retry-after";

    // Clients take 8 KiB of trailers in all, and tell of more than that instead of the error. As they are sent.
    private const int MaxMessage = 4096;
    private const string Cut = "...";

    /// <summary>The status for an outcome other than success.</summary>
    public static RpcException Of(InferOutcome outcome) => Of(outcome.Status, outcome.Error ?? "", outcome.RetryAfter);

    /// <param name="retryAfter">Seconds.</param>
    public static RpcException Of(int status, string message, int? retryAfter = null)
    {
        var trailers = new Metadata();
        if (retryAfter is { } seconds)
        {
            trailers.Add(RetryAfter, seconds.ToString(CultureInfo.InvariantCulture));
        }

        return new RpcException(new Status(CodeOf(status), Fit(message)), trailers);
    }

    /// <summary>Answers what was refused on the way to a method: all in the headers, since there is no message.</summary>
    public static Task WriteAsync(HttpContext context, string message)
    {
        var response = context.Response;
        message = Fit(OpenInferenceErrors.Specific(context) ?? message);
        if (context.Request.ContentType?.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) != true)
        {
            return OpenInferenceErrors.Error(response.StatusCode, message).ExecuteAsync(context);
        }

        var code = CodeOf(response.StatusCode);
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = ContentType;
        response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Encoded(message);
        return Task.CompletedTask;
    }

    /// <summary>The status for whatever a method threw.</summary>
    public RpcException Translate(Exception exception, ServerCallContext context)
    {
        if (exception is RpcException known)
        {
            return known;
        }

        if (context.CancellationToken.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            return Of(InferenceCallResult.ClientClosedRequest, "the caller left");
        }

        if (responses.Value.OutageOf(exception) is { } outage)
        {
            LogOutage(context.Method, outage, exception.Message);
            return Of(StatusCodes.Status503ServiceUnavailable, outage, retryAfter: 1);
        }

        if (responses.Value.RefusalOf(exception) is { } refusal)
        {
            return Of(StatusCodes.Status400BadRequest, refusal);
        }

        LogUnexpected(exception, context.Method);
        return Of(
            StatusCodes.Status500InternalServerError,
            "The service failed in a way it did not expect. The log has the details under this trace.");
    }

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    private static StatusCode CodeOf(int status) => status switch
    {
        StatusCodes.Status400BadRequest => StatusCode.InvalidArgument,
        StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
        StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
        StatusCodes.Status404NotFound => StatusCode.NotFound,
        StatusCodes.Status413PayloadTooLarge or StatusCodes.Status429TooManyRequests => StatusCode.ResourceExhausted,
        InferenceCallResult.ClientClosedRequest => StatusCode.Cancelled,
        StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        StatusCodes.Status504GatewayTimeout => StatusCode.DeadlineExceeded,
        _ => StatusCode.Internal,
    };

    /// <summary>A message, which may repeat what a caller sent, or the names of all inputs, cut to what reaches every client.</summary>
    internal static string Fit(string message)
    {
        // A character of UTF-16 takes nine at most.
        if (message.Length <= (MaxMessage - Cut.Length) / 9)
        {
            return message;
        }

        var (at, length) = (0, 0);
        foreach (var rune in message.EnumerateRunes())
        {
            length += IsPlain(rune.Value) ? 1 : 3 * rune.Utf8SequenceLength;
            if (length > MaxMessage - Cut.Length)
            {
                return message[..at] + Cut;
            }

            at += rune.Utf16SequenceLength;
        }

        return message;
    }

    private static bool IsPlain(int value) => value is >= ' ' and <= '~' and not '%';

    // As gRPC over HTTP/2 has it: UTF-8, what is not printable ASCII and the percent sign as %XX.
    private static string Encoded(string message)
    {
        var text = new StringBuilder(message.Length);
        foreach (var value in Encoding.UTF8.GetBytes(message))
        {
            _ = IsPlain(value)
                ? text.Append((char)value)
                : text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
        }

        return text.ToString();
    }

    [LoggerMessage(LogLevel.Warning, "{Method} was answered UNAVAILABLE, {Outage} ({Reason})")]
    private partial void LogOutage(string method, string outage, string reason);

    [LoggerMessage(LogLevel.Error, "Unexpected failure of {Method}")]
    private partial void LogUnexpected(Exception exception, string method);
}
