namespace InferenceTemplate.Web.Security;

internal static class SecurityHeaders
{
    /// <summary>
    /// What the dashboard loads, and nothing else. Radzen sets style attributes (not style elements) on what it draws, hence the one
    /// 'unsafe-inline'; data: images are the icons inside its style sheets.
    /// </summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; " +
        "font-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'; connect-src 'self'";

    public static void UseSecurityHeaders(this WebApplication app)
    {
        // `dotnet watch` reloads the page through a socket on a port of its own.
        var policy = app.Environment.IsDevelopment() ? Policy + " ws://localhost:* wss://localhost:* http://localhost:*" : Policy;
        app.Use((context, next) =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = policy;
            headers.XFrameOptions = "DENY";
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "same-origin";
            headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            return next(context);
        });
    }
}
