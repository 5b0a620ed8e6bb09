using System.Text;
using InferenceTemplate.Inference.Identity;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace InferenceTemplate.Api.Auth;

/// <summary>Callers prove themselves by an API key or by a token that one was exchanged for.</summary>
internal static class AuthRegistration
{
    private const string KeyOrToken = "KeyOrToken";

    public static IServiceCollection AddApiAuth(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuthOptions>().Bind(configuration.GetSection(AuthOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<AccessTokenIssuer>();

        services.AddAuthentication(KeyOrToken)
            .AddApiKeys()
            .AddJwtBearer()
            .AddPolicyScheme(KeyOrToken, "API key or token", options => options.ForwardDefaultSelector = context =>
                IsToken(ApiKeyAuthenticationHandler.Credential(context.Request))
                    ? JwtBearerDefaults.AuthenticationScheme
                    : ApiKeyAuthenticationHandler.SchemeName);
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<IOptions<AuthOptions>>(Configure);
        services.AddAuthorization(Policies.Add);
        return services;
    }

    // A JSON Web Token is three parts joined by dots; an API key has no dot.
    private static bool IsToken(string? credential) => credential?.AsSpan().Count('.') == 2;

    private static void Configure(JwtBearerOptions jwt, IOptions<AuthOptions> auth)
    {
        jwt.MapInboundClaims = false;
        jwt.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = AccessTokenIssuer.Issuer,
            ValidAudience = AccessTokenIssuer.Audience,
            IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(auth.Value.JwtSigningKey)),
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = TimeSpan.FromSeconds(30),
            NameClaimType = InferenceClaims.Name,
            RoleClaimType = InferenceClaims.Role,
        };
    }
}
