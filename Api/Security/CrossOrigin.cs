using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Security;

/// <summary>Which pages of other origins may call the Api from a browser.</summary>
public sealed class CorsSettings
{
    public const string Section = "Cors";

    /// <summary>Origins such as <c>https://app.contoso.com</c>; <c>*</c> for every one.</summary>
    public string[] Origins { get; set; } = [];

    /// <summary>Whether browsers may send cookies and the like; the Api itself asks for none. Not with <c>*</c>. Default false.</summary>
    public bool AllowCredentials { get; set; }
}

internal sealed class CorsSettingsValidator : IValidateOptions<CorsSettings>
{
    public const string Any = "*";

    public ValidateOptionsResult Validate(string? name, CorsSettings options)
    {
        var problems = options.Origins.Where(o => o != Any && !IsOrigin(o)).Select(o =>
            $"Cors:Origins has '{o}': an origin is http or https, host and port without a path, such as https://app.contoso.com.").ToList();
        if (options.Origins.Contains(Any, StringComparer.Ordinal) && options.AllowCredentials)
        {
            problems.Add(
                "Cors:Origins has '*' and Cors:AllowCredentials is true: every page could act for whoever looks at it. Name the origins.");
        }

        return problems.Count > 0 ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
        && uri.GetLeftPart(UriPartial.Authority) == text;
}

internal sealed class CorsPolicySetup(IOptions<CorsSettings> settings) : IConfigureOptions<CorsOptions>
{
    private static readonly TimeSpan PreflightAge = TimeSpan.FromMinutes(10);

    // What an answer tells in headers; a browser hides those that are not named.
    private static readonly string[] Exposed =
    [
        "ETag", "Location", "Retry-After", "Preference-Applied", "Idempotency-Replayed", "Server-Timing", "X-Correlation-Id", "X-Request-Id",
        "Inference-Cost", "Inference-Cache", "Inference-Fallback", "Inference-Header-Content-Length",
        "RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
    ];

    public void Configure(CorsOptions options) => options.AddDefaultPolicy(policy =>
    {
        policy.WithOrigins(settings.Value.Origins)
            .AllowAnyMethod().AllowAnyHeader().WithExposedHeaders(Exposed).SetPreflightMaxAge(PreflightAge);
        if (settings.Value.AllowCredentials)
        {
            policy.AllowCredentials();
        }
    });
}
