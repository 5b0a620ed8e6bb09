using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Auth;

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

    /// <summary>The key that a request carries: what follows <c>Bearer</c>, or <c>X-API-Key</c>; empty where there is none.</summary>
    public static ReadOnlySpan<char> Credential(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString().AsSpan();
        return authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? authorization["Bearer ".Length..].Trim()
            : request.Headers.TryGetValue(HeaderName, out var key) ? key.ToString() : [];
    }

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Who is let in anyway needs no look into the database: a probe is answered while that is away.
        var key = Context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null ? Credential(Request).ToString() : "";
        if (key.Length == 0)
        {
            return AuthenticateResult.NoResult();
        }

        if (ApiKeyFormat.PrefixOf(key) is not { } prefix)
        {
            return Refused("the credential is not an API key");
        }

        var identity = await keys.FindAsync(prefix);
        if (identity is null || !identity.IsProvedBy(key, hasher))
        {
            return Refused("the API key is unknown");
        }

        return identity.RefusalAt(TimeProvider.GetUtcNow()) is { } refusal
            ? Refused(refusal)
            : AuthenticateResult.Success(new AuthenticationTicket(identity.Principal, SchemeName));
    }

    // RFC 6750: a request without credentials is told nothing but the scheme.
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = Context.RefusalReason() is { } reason
            ? $"Bearer error=\"invalid_token\", error_description=\"{reason}\""
            : "Bearer";
        return base.HandleChallengeAsync(properties);
    }

    private AuthenticateResult Refused(string reason)
    {
        Context.Refuse(reason);
        return AuthenticateResult.Fail(reason);
    }
}
