namespace InferenceTemplate.Api.Security;

/// <summary>Headers of every answer. The Api answers programs: whatever a browser makes of an answer, it runs and frames nothing.</summary>
internal static class SecurityHeaders
{
    private static readonly (string Name, string Value)[] Headers =
    [
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ];

    // When the answer starts: one that a failure began anew has lost what was set before.
    private static readonly Func<object, Task> Set = state =>
    {
        var headers = ((HttpResponse)state).Headers;
        foreach (var (name, value) in Headers)
        {
            headers.TryAdd(name, value);
        }

        return Task.CompletedTask;
    };

    public static void UseSecurityHeaders(this WebApplication app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(Set, context.Response);
        return next(context);
    });
}
