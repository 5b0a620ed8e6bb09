using System.Buffers;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>
/// Gives each request an id that caller and service both see: the caller's own (<c>X-Correlation-Id</c>, else <c>X-Request-Id</c>)
/// where it is fit to be logged, else the trace id. It returns by both names, since clients read either, and stands in every log line.
/// </summary>
internal sealed class CorrelationId(RequestDelegate next, ILogger<CorrelationId> logger)
{
    public const string Header = "X-Correlation-Id";
    private const string AlternativeHeader = "X-Request-Id";
    private const int MaxLength = 128;

    private static readonly Func<ILogger, string, IDisposable?> Scope = LoggerMessage.DefineScope<string>("CorrelationId:{CorrelationId}");

    private static readonly Func<object, Task> SetHeaders = static state =>
    {
        var context = (HttpContext)state;
        context.Response.Headers[Header] = context.TraceIdentifier;
        context.Response.Headers[AlternativeHeader] = context.TraceIdentifier;
        return Task.CompletedTask;
    };

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:");

    public async Task InvokeAsync(HttpContext context)
    {
        var id = Acceptable(context.Request.Headers[Header])
            ?? Acceptable(context.Request.Headers[AlternativeHeader])
            ?? (Activity.Current?.TraceId ?? ActivityTraceId.CreateRandom()).ToHexString();

        context.TraceIdentifier = id;
        // At the last moment, because an error answer clears what was set before.
        context.Response.OnStarting(SetHeaders, context);

        using (Scope(logger, id))
        {
            await next(context);
        }
    }

    private static string? Acceptable(string? value) =>
        value is { Length: > 0 and <= MaxLength } && !value.AsSpan().ContainsAnyExcept(Allowed) ? value : null;
}
