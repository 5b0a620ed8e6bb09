using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Tokens that a key was exchanged for. Such a token says no more than which key that was: who the caller is comes from the key as
/// it is now, so that the token ends with it.
/// </summary>
internal static class OwnTokens
{
    public const string Scheme = JwtBearerDefaults.AuthenticationScheme;

    /// <summary>Clocks of hosts may differ by this.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    public static void Configure(JwtBearerOptions jwt, IOptions<AuthOptions> auth)
    {
        jwt.MapInboundClaims = false;
        jwt.SaveToken = false;
        jwt.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = AccessTokenIssuer.Issuer,
            ValidAudience = AccessTokenIssuer.Audience,
            IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(auth.Value.JwtSigningKey)),
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = ClockSkew,
        };
        jwt.Events = new JwtBearerEvents { OnTokenValidated = UseKeyAsync, OnAuthenticationFailed = ExplainAsync };
    }

    /// <summary>Keeps the reason of a refusal with the request.</summary>
    public static Task ExplainAsync(AuthenticationFailedContext context)
    {
        if (context.Exception is SecurityTokenException or ArgumentException)
        {
            context.HttpContext.Refuse(
                context.Exception is SecurityTokenExpiredException ? "the token has expired" : "the token is not valid here");
        }

        return Task.CompletedTask;
    }

    public static void Refuse(TokenValidatedContext context, string reason)
    {
        context.HttpContext.Refuse(reason);
        context.Fail(reason);
    }

    private static async Task UseKeyAsync(TokenValidatedContext context)
    {
        var services = context.HttpContext.RequestServices;
        var claim = context.Principal?.FindFirst(InferenceClaims.KeyId)?.Value;
        var key = Guid.TryParse(claim, out var id) ? await services.GetRequiredService<ApiKeyLookup>().FindAsync(id) : null;
        if (key is null)
        {
            Refuse(context, "the API key of the token does not exist");
        }
        else if (key.RefusalAt(services.GetRequiredService<TimeProvider>().GetUtcNow()) is { } refusal)
        {
            Refuse(context, refusal);
        }
        else
        {
            context.Principal = key.Principal;
        }
    }
}
