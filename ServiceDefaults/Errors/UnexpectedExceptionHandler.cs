using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.ServiceDefaults.Errors;

/// <summary>
/// The one place for failures that no handler expected: logged once, with all there is to know, marked on the trace, and answered
/// without any of it. A request that ASP.NET Core itself refuses (malformed, too large) is the caller's, and says why.
/// </summary>
internal sealed partial class UnexpectedExceptionHandler(IOptions<ErrorResponses> responses, ILogger<UnexpectedExceptionHandler> logger)
    : IExceptionHandler
{
    private const string RetryAfterSeconds = "1";

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (responses.Value.OutageOf(exception) is { } outage)
        {
            LogOutage(httpContext.Request.Method, httpContext.Request.Path, outage, exception.Message);
            httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
            await ErrorResponses.WriteAsync(httpContext, StatusCodes.Status503ServiceUnavailable, outage);
            return true;
        }

        if (responses.Value.RefusalOf(exception) is { } refusal)
        {
            LogRefused(httpContext.Request.Method, httpContext.Request.Path, StatusCodes.Status400BadRequest, refusal);
            await ErrorResponses.WriteAsync(httpContext, StatusCodes.Status400BadRequest, refusal);
            return true;
        }

        Report(httpContext, exception);
        var (status, message) = exception is BadHttpRequestException refused
            ? (refused.StatusCode, refused.Message)
            : (StatusCodes.Status500InternalServerError,
                "The service failed in a way it did not expect. The log has the details under this trace.");
        await ErrorResponses.WriteAsync(httpContext, status, message);
        return true;
    }

    /// <summary>Logs the exception and marks the trace.</summary>
    internal void Report(HttpContext context, Exception exception)
    {
        if (exception is BadHttpRequestException refused)
        {
            LogRefused(context.Request.Method, context.Request.Path, refused.StatusCode, refused.Message);
            return;
        }

        LogUnexpected(exception, context.Request.Method, context.Request.Path);
        Activity.Current?.AddException(exception).SetStatus(ActivityStatusCode.Error, exception.GetType().Name);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path} was answered 503, {Outage} ({Reason})")]
    private partial void LogOutage(string method, PathString path, string outage, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure of {Method} {Path}")]
    private partial void LogUnexpected(Exception exception, string method, PathString path);

    [LoggerMessage(Level = LogLevel.Information, Message = "Refused {Method} {Path} with {Status}: {Reason}")]
    private partial void LogRefused(string method, PathString path, int status, string reason);
}
