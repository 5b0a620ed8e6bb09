using System.Globalization;
using System.Security.Claims;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.SignIn;

/// <summary>
/// Who is signed in, and the token to call the Api with. It travels as claims inside the encrypted cookie, because a circuit has the
/// principal but no request to read a cookie from; the browser never sees the token.
/// </summary>
public sealed record Session(string AccessToken, DateTimeOffset Expires, string Name, string Role, string Tenant)
{
    private const string TokenClaim = "access_token";
    private const string ExpiresClaim = "expires_at";
    private const string TenantClaim = "tenant";

    public bool IsAdmin => Role == "admin";

    public static Session From(AccessToken token, DateTimeOffset now) =>
        new(token.Token, now.AddSeconds(token.ExpiresIn), token.Name, token.Role, token.Tenant);

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
            user.FindFirstValue(TenantClaim) ?? "");
    }

    public ClaimsPrincipal ToPrincipal(string scheme) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.Name, Name),
            new Claim(ClaimTypes.Role, Role),
            new Claim(TenantClaim, Tenant),
            new Claim(TokenClaim, AccessToken),
            new Claim(ExpiresClaim, Expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        ],
        scheme));
}
