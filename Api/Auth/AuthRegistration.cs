using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;

namespace InferenceTemplate.Api.Auth;

/// <summary>Callers prove themselves by an API key, by a token that one was exchanged for, or by a token of another authority.</summary>
internal static class AuthRegistration
{
    private const string KeyOrToken = "KeyOrToken";

    // By which the middleware tell the host that they are in the pipeline, lest it puts them before all else.
    private static readonly string[] Marks = ["__AuthenticationMiddlewareSet", "__AuthorizationMiddlewareSet"];

    /// <summary>A JSON Web Token is three parts joined by dots; an API key has no dot.</summary>
    public static bool IsToken(ReadOnlySpan<char> credential) => credential.Count('.') == 2;

    public static IServiceCollection AddApiAuth(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuthOptions>().Bind(configuration.GetSection(AuthOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<JwtOptions>().Bind(configuration.GetSection(JwtOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<JwtOptions>, JwtOptionsValidator>();
        services.AddSingleton<AccessTokenIssuer>();
        services.AddSingleton<RememberedCallers>();
        services.AddSingleton<CredentialCheck>();

        var authority = configuration.GetSection(JwtOptions.Section).Get<JwtOptions>() is { IsConfigured: true };
        services.AddAuthentication(KeyOrToken)
            .AddApiKeys()
            .AddJwtBearer(OwnTokens.Scheme)
            .AddJwtBearer(AuthorityTokens.Scheme)
            .AddPolicyScheme(KeyOrToken, "API key or token", options => options.ForwardDefaultSelector = context =>
                SchemeOf(ApiKeyAuthenticationHandler.Credential(context.Request), authority));
        services.AddOptions<JwtBearerOptions>(OwnTokens.Scheme).Configure<IOptions<AuthOptions>>(OwnTokens.Configure);
        services.AddOptions<JwtBearerOptions>(AuthorityTokens.Scheme).Configure<IOptions<JwtOptions>>(AuthorityTokens.Configure);
        services.AddAuthorization(Policies.Add);
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusalAudit>();

        // Callers that are remembered pass the middleware by; that no endpoint lacks a policy is checked at the start.
        services.Configure<RouteOptions>(routes => routes.SuppressCheckForUnhandledSecurityMetadata = true);
        services.PostConfigure<ProblemDetailsOptions>(TellWhy);
        services.Configure<ErrorResponses>(errors =>
            errors.MapOutage(exception => exception is AuthorityUnavailableException, AuthorityUnavailableException.Answer));
        return services;
    }

    /// <summary>Authenticates and authorizes.</summary>
    public static void UseAccess(this WebApplication app)
    {
        foreach (var mark in Marks)
        {
            ((IApplicationBuilder)app).Properties[mark] = true;
        }

        var remembered = app.Services.GetRequiredService<RememberedCallers>();
        app.UseWhen(context => !remembered.Recognize(context), others =>
        {
            others.UseAuthentication();
            others.UseAuthorization();
        });
    }

    private static string SchemeOf(ReadOnlySpan<char> credential, bool authority) =>
        !IsToken(credential) ? ApiKeyAuthenticationHandler.SchemeName
        : authority && IssuerOf(credential.ToString()) is { } issuer && issuer != AccessTokenIssuer.Issuer ? AuthorityTokens.Scheme
        : OwnTokens.Scheme;

    // Only to choose who validates it.
    private static string? IssuerOf(string token)
    {
        try
        {
            return new JsonWebToken(token).Issuer;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static void TellWhy(ProblemDetailsOptions options)
    {
        var customize = options.CustomizeProblemDetails;
        options.CustomizeProblemDetails = problem =>
        {
            customize?.Invoke(problem);
            if (problem.ProblemDetails.Status == StatusCodes.Status401Unauthorized && problem.HttpContext.RefusalReason() is { } reason)
            {
                problem.ProblemDetails.Detail = reason;
            }
        };
    }
}
