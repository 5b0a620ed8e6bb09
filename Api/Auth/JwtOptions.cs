using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Auth;

/// <summary>Tokens of another authority, accepted beside the Api's own. None are while neither authority nor key is set.</summary>
public sealed class JwtOptions
{
    public const string Section = "Auth:Jwt";

    /// <summary>Address of an OpenID provider, whose discovery document names issuer and keys.</summary>
    public string Authority { get; set; } = "";

    /// <summary>In place of an authority: the secret that signs the tokens (HMAC-SHA-256), at least 32 characters.</summary>
    public string SigningKey { get; set; } = "";

    /// <summary>
    /// The <c>iss</c> of the tokens. Required with a signing key; with an authority only where its document names another.
    /// </summary>
    public string Issuer { get; set; } = "";

    /// <summary>The <c>aud</c> of the tokens; required.</summary>
    public string Audience { get; set; } = "";

    /// <summary>Whether the authority must be asked over HTTPS. Default true.</summary>
    public bool RequireHttps { get; set; } = true;

    /// <summary>The claim with the caller's name; <c>sub</c> where a token lacks it.</summary>
    public string NameClaim { get; set; } = "name";

    /// <summary>The claim with the roles, text or an array. The highest of <c>admin</c>, <c>user</c> and <c>service</c> counts.</summary>
    public string RoleClaim { get; set; } = "role";

    /// <summary>The claim with the tenant's id; the tenant must exist.</summary>
    public string TenantClaim { get; set; } = "tenant";

    /// <summary>The tenant of tokens that name none; empty: such tokens are refused.</summary>
    public string DefaultTenant { get; set; } = "";

    /// <summary>
    /// The claim with the models that the caller may use, text or an array; all of the tenant's where a token lacks it, none where it is
    /// empty.
    /// </summary>
    public string ModelsClaim { get; set; } = "models";

    public bool IsConfigured => Authority.Length > 0 || SigningKey.Length > 0;
}

internal sealed class JwtOptionsValidator(IOptions<AuthOptions> own) : IValidateOptions<JwtOptions>
{
    private const int MinSigningKeyLength = 32;

    public ValidateOptionsResult Validate(string? name, JwtOptions options) =>
        Problems(options).ToList() is { Count: > 0 } problems ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;

    private IEnumerable<string> Problems(JwtOptions options)
    {
        if (!options.IsConfigured)
        {
            yield break;
        }

        if (options.Audience.Length == 0)
        {
            yield return "Auth:Jwt:Audience must be set to the audience of the authority's tokens: others' tokens would be accepted.";
        }

        if (options.Authority.Length > 0 && options.SigningKey.Length > 0)
        {
            yield return "Auth:Jwt:Authority and Auth:Jwt:SigningKey exclude each other: leave one empty.";
        }

        if (options.Authority.Length > 0 && !IsAddress(options))
        {
            yield return $"Auth:Jwt:Authority is '{options.Authority}': an https address is expected (http only with Auth:Jwt:RequireHttps=false).";
        }

        if (options.SigningKey.Length is > 0 and < MinSigningKeyLength)
        {
            yield return $"Auth:Jwt:SigningKey must be a secret of at least {MinSigningKeyLength} characters.";
        }

        if (options.SigningKey.Length > 0 && options.SigningKey == own.Value.JwtSigningKey)
        {
            yield return "Auth:Jwt:SigningKey must not be Auth:JwtSigningKey: whoever has the one could sign the Api's own tokens.";
        }

        if (options.SigningKey.Length > 0 && options.Issuer.Length == 0)
        {
            yield return "Auth:Jwt:Issuer must be set to the issuer of the tokens that Auth:Jwt:SigningKey signs.";
        }

        if (options.Issuer == AccessTokenIssuer.Issuer)
        {
            yield return $"Auth:Jwt:Issuer must not be '{AccessTokenIssuer.Issuer}', which is the Api itself.";
        }
    }

    private static bool IsAddress(JwtOptions options) =>
        Uri.TryCreate(options.Authority, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && !options.RequireHttps));
}
