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

    public static IServiceCollection AddApiAuth(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuthOptions>().Bind(configuration.GetSection(AuthOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<JwtOptions>().Bind(configuration.GetSection(JwtOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<JwtOptions>, JwtOptionsValidator>();
        services.AddSingleton<AccessTokenIssuer>();

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
        services.PostConfigure<ProblemDetailsOptions>(TellWhy);
        services.Configure<ErrorResponses>(errors =>
            errors.MapOutage(exception => exception is AuthorityUnavailableException, AuthorityUnavailableException.Answer));
        return services;
    }

    // A JSON Web Token is three parts joined by dots; an API key has no dot.
    private static string SchemeOf(string? credential, bool authority) =>
        credential?.AsSpan().Count('.') != 2 ? ApiKeyAuthenticationHandler.SchemeName
        : authority && IssuerOf(credential) is { } issuer && issuer != AccessTokenIssuer.Issuer ? AuthorityTokens.Scheme
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
