using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.ServiceDefaults.Errors;

/// <summary>
/// The form of error answers that no handler wrote: those of middleware, unexpected failures, and statuses without a body such as 401.
/// Problem details (RFC 9457) unless a path has its own form:
/// <code>
/// services.Configure&lt;ErrorResponses&gt;(errors => errors.Map("/v2",
///     (context, message) => context.Response.WriteAsJsonAsync(new { error = message })));
/// </code>
/// </summary>
public sealed class ErrorResponses
{
    private readonly List<(PathString Prefix, Func<HttpContext, string, Task> Write)> _forms = [];
    private readonly List<(Func<Exception, bool> Covers, string Message)> _outages = [];
    private readonly List<(Func<Exception, bool> Covers, string Message)> _refusals = [];

    /// <summary>Answers errors below a path in a form of its own.</summary>
    /// <param name="prefix">Whole segments, such as <c>/v2</c>. The longest counts.</param>
    /// <param name="write">Writes the body; the status is set. The message is fit for the caller's eyes.</param>
    public void Map(PathString prefix, Func<HttpContext, string, Task> write) => _forms.Add((prefix, write));

    /// <summary>Answers 503 with <c>Retry-After</c> where an exception says that something this service needs is away.</summary>
    /// <param name="covers">Whether an exception is of that outage.</param>
    /// <param name="message">What is away, for the caller.</param>
    public void MapOutage(Func<Exception, bool> covers, string message) => _outages.Add((covers, message));

    /// <summary>The message of the outage that an exception is of; null when it is of none.</summary>
    public string? OutageOf(Exception exception) => _outages.Find(outage => outage.Covers(exception)).Message;

    /// <summary>Answers 400 where an exception says that what the caller sent can't be taken.</summary>
    public void MapRefusal(Func<Exception, bool> covers, string message) => _refusals.Add((covers, message));

    /// <summary>What is wrong with the request, where an exception says that; null where it says nothing of the kind.</summary>
    public string? RefusalOf(Exception exception) => _refusals.Find(refusal => refusal.Covers(exception)).Message;

    /// <summary>Writes the error in the form of the request's path.</summary>
    public static async Task WriteAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        var forms = context.RequestServices.GetRequiredService<IOptions<ErrorResponses>>().Value._forms;
        var form = forms.Where(form => context.Request.Path.StartsWithSegments(form.Prefix, StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(form => form.Prefix.Value!.Length)
            .FirstOrDefault();
        if (form.Write is not null)
        {
            await form.Write(context, message);
            return;
        }

        // False where the caller accepts no JSON: then the status must do.
        await context.RequestServices.GetRequiredService<IProblemDetailsService>().TryWriteAsync(new()
        {
            HttpContext = context,
            ProblemDetails = { Status = status, Detail = message },
        });
    }

    /// <summary>
    /// Gives a body to an error status that has none. ASP.NET Core's own middleware for that takes memory for every request, to be
    /// switched off by one; nothing here does.
    /// </summary>
    internal static async Task WriteStatusAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.Response is
            { HasStarted: false, StatusCode: >= 400 and < 600 and var status, ContentLength: null, ContentType: null or "" })
        {
            await WriteAsync(context, status, $"{ReasonPhrases.GetReasonPhrase(status)}: {context.Request.Method} {context.Request.Path}");
        }
    }
}
