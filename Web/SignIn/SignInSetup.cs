using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace InferenceTemplate.Web.SignIn;

/// <summary>The session cookie, and the rule that everything needs it unless it says otherwise.</summary>
internal static class SignInSetup
{
    public const string Path = "/sign-in";
    public const string AdminPolicy = "admin";
    private const string SessionCookie = "session";

    public static void AddSignIn(this IHostApplicationBuilder builder)
    {
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(options =>
        {
            options.Cookie.Name = SessionCookie;
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Lax;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.SlidingExpiration = false;
            options.LoginPath = Path;
            options.AccessDeniedPath = "/status/403";
            options.ReturnUrlParameter = "returnUrl";
            options.Events.OnRedirectToLogin = RedirectToSignIn;
        });
        builder.Services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build())
            .AddPolicy(AdminPolicy, policy => policy.RequireClaim(ClaimTypes.Role, "admin"));
        builder.Services.AddCascadingAuthenticationState();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddAntiforgery(options =>
        {
            options.Cookie.Name = "antiforgery";
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        });
    }

    private static Task RedirectToSignIn(Microsoft.AspNetCore.Authentication.RedirectContext<CookieAuthenticationOptions> context)
    {
        var request = context.Request;
        if (request.Path.StartsWithSegments("/_blazor", StringComparison.Ordinal)
            || request.Path.StartsWithSegments("/health", StringComparison.Ordinal))
        {
            // A circuit that reconnects and a program that asks need a refusal, not the markup of the sign-in page.
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        }

        // A cookie that no longer counts means that there was a session.
        var expired = request.Cookies.ContainsKey(SessionCookie);
        context.Response.Redirect(PageUri(request.Path + request.QueryString, expired));
        return Task.CompletedTask;
    }

    /// <summary>The sign-in page that leads back to where the user was.</summary>
    public static string PageUri(string returnUrl, bool expired) =>
        $"{Path}?returnUrl={Uri.EscapeDataString(LocalUrl.OrHome(returnUrl))}{(expired ? "&expired=true" : "")}";
}
