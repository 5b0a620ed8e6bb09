using System.Security.Claims;
using System.Text;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace InferenceTemplate.Api.Auth;

/// <summary>Signs the short-lived tokens that a key is exchanged for.</summary>
internal sealed class AccessTokenIssuer(IOptions<AuthOptions> options, TimeProvider time)
{
    public const string Issuer = "inference-api";
    public const string Audience = "inference";

    // For whoever reads the token; the Api itself goes by the key as it is.
    private static readonly string[] Carried =
        [InferenceClaims.Name, InferenceClaims.Role, InferenceClaims.Tenant, InferenceClaims.KeyId];

    public AccessToken Issue(ClaimsPrincipal caller)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var lifetime = options.Value.TokenLifetime;
        var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(options.Value.JwtSigningKey));
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + lifetime,
            Claims = Carried.ToDictionary(type => type, object (type) => caller.FindFirstValue(type)!, StringComparer.Ordinal),
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.HmacSha256),
        });
        return new AccessToken(
            token,
            "Bearer",
            (int)lifetime.TotalSeconds,
            caller.FindFirstValue(InferenceClaims.Name)!,
            caller.FindFirstValue(InferenceClaims.Role)!,
            caller.TenantId());
    }
}
