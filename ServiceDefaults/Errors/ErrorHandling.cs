using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.ServiceDefaults.Errors;

/// <summary>Errors answer as problem details with the trace id, or as <see cref="ErrorResponses"/> says for a path.</summary>
internal static class ErrorHandling
{
    // Logs what it then shows; UnexpectedExceptionHandler has logged it already.
    private const string DeveloperPage = "Microsoft.AspNetCore.Diagnostics.DeveloperExceptionPageMiddleware";

    public static void AddErrorHandling(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<ErrorResponses>();
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = problem =>
            problem.ProblemDetails.Extensions["traceId"] = TraceIdOf(problem.HttpContext));
        builder.Services.AddExceptionHandler<UnexpectedExceptionHandler>();
        builder.Services.AddSingleton<IDeveloperPageExceptionFilter, DeveloperPageFilter>();
        builder.Logging.AddFilter(DeveloperPage, LogLevel.None);
    }

    /// <summary>32 hex digits: what one looks up in the trace store.</summary>
    private static string TraceIdOf(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
}
