using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.SignIn;

/// <summary>
/// Who is signed in, and the token to call the Api with. It travels as claims inside the encrypted cookie, because a circuit has the
/// principal but no request to read a cookie from; the browser never sees the token.
/// </summary>
/// <param name="Identity">The same for sessions of the same API key only; nothing that the key could be told from.</param>
public sealed record Session(string AccessToken, DateTimeOffset Expires, string Name, string Role, string Tenant, string Identity)
{
    private const string TokenClaim = "access_token";
    private const string ExpiresClaim = "expires_at";
    private const string TenantClaim = "tenant";
    private const string IdentityClaim = "identity";

    public bool IsAdmin => Role == "admin";

    public static Session From(AccessToken token, string apiKey, DateTimeOffset now) => new(
        token.Token, now.AddSeconds(token.ExpiresIn), token.Name, token.Role, token.Tenant,
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(apiKey))));

    /// <summary>Null when the principal is anonymous or lacks what a session needs.</summary>
    public static Session? From(ClaimsPrincipal user)
    {
        if (user.FindFirstValue(TokenClaim) is not { } token
            || !long.TryParse(user.FindFirstValue(ExpiresClaim), NumberStyles.None, CultureInfo.InvariantCulture, out var expires))
        {
            return null;
        }

        return new Session(
            token,
            DateTimeOffset.FromUnixTimeSeconds(expires),
            user.Identity?.Name ?? "",
            user.FindFirstValue(ClaimTypes.Role) ?? "",
            user.FindFirstValue(TenantClaim) ?? "",
            user.FindFirstValue(IdentityClaim) ?? token);
    }

    public ClaimsPrincipal ToPrincipal(string scheme) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.Name, Name),
            new Claim(ClaimTypes.Role, Role),
            new Claim(TenantClaim, Tenant),
            new Claim(TokenClaim, AccessToken),
            new Claim(IdentityClaim, Identity),
            new Claim(ExpiresClaim, Expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        ],
        scheme));
}
