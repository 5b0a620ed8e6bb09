using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace InferenceTemplate.Inference.Identity;

/// <summary>Authenticates <c>Authorization: Bearer prefix_secret</c> or <c>X-API-Key: prefix_secret</c>.</summary>
public sealed class ApiKeyAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    ApiKeyLookup keys,
    ApiKeyHasher hasher) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";

    private const string HeaderName = "X-API-Key";
    private const int MaxKeyLength = 256;

    /// <summary>The key that a request carries, if any: what follows <c>Bearer</c>, or <c>X-API-Key</c>.</summary>
    public static string? Credential(HttpRequest request)
    {
        var authorization = request.Headers[HeaderNames.Authorization].ToString();
        return authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? authorization["Bearer ".Length..].Trim()
            : request.Headers.TryGetValue(HeaderName, out var key) ? key.ToString() : null;
    }

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Who is let in anyway needs no look into the database: a probe is answered while that is away.
        var key = Context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null ? Credential(Request) : null;
        if (string.IsNullOrEmpty(key))
        {
            return AuthenticateResult.NoResult();
        }

        var separator = key.IndexOf('_', StringComparison.Ordinal);
        if (separator is < 1 or > 32 || key.Length > MaxKeyLength)
        {
            return AuthenticateResult.Fail("The credential is not an API key.");
        }

        var identity = await keys.FindAsync(key[..separator]);
        if (identity is null || !hasher.Matches(key, identity.Hash))
        {
            return AuthenticateResult.Fail("The API key is unknown or revoked.");
        }

        if (identity.ExpiresAt <= TimeProvider.GetUtcNow())
        {
            return AuthenticateResult.Fail("The API key has expired.");
        }

        var claims = new ClaimsIdentity(
            [
                new Claim(InferenceClaims.Name, identity.Name),
                new Claim(InferenceClaims.Role, identity.Role),
                new Claim(InferenceClaims.Tenant, identity.TenantId),
                new Claim(InferenceClaims.KeyId, identity.KeyId.ToString()),
            ],
            SchemeName,
            InferenceClaims.Name,
            InferenceClaims.Role);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(claims), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return base.HandleChallengeAsync(properties);
    }
}
