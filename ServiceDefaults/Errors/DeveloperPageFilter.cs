using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Net.Http.Headers;

namespace InferenceTemplate.ServiceDefaults.Errors;

/// <summary>
/// In Development ASP.NET Core puts its exception page inside everything else. Browsers may have it; programs get the answer that they
/// get in production, so that nobody builds on the other one.
/// </summary>
internal sealed class DeveloperPageFilter(IEnumerable<IExceptionHandler> handlers) : IDeveloperPageExceptionFilter
{
    public async Task HandleExceptionAsync(ErrorContext errorContext, Func<ErrorContext, Task> next)
    {
        var context = errorContext.HttpContext;
        var handler = handlers.OfType<UnexpectedExceptionHandler>().Single();
        if (context.Request.Headers[HeaderNames.Accept].ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
        {
            handler.Report(context, errorContext.Exception);
            await next(errorContext);
            return;
        }

        await handler.TryHandleAsync(context, errorContext.Exception, context.RequestAborted);
    }
}
