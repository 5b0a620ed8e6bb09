using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Auth;

/// <summary>Secrets of the Api's own tokens; start-up fails while one is missing or short.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    private const string JwtSigningKeyRule =
        "Auth:JwtSigningKey must be set to a random secret of at least 32 characters, such as `openssl rand -hex 32` gives.";

    private const string AdminSecretRule =
        "Auth:AdminSecret must be set to a random secret of at least 24 characters, such as `openssl rand -hex 32` gives.";

    /// <summary>Signs the short-lived tokens (HMAC-SHA-256). Changing it voids every token.</summary>
    [Required(ErrorMessage = JwtSigningKeyRule), MinLength(32, ErrorMessage = JwtSigningKeyRule)]
    public string JwtSigningKey { get; set; } = "";

    /// <summary>
    /// The first admin key is <c>admin_</c> and this. Changing it replaces that key at the next start.
    /// </summary>
    [Required(ErrorMessage = AdminSecretRule), MinLength(24, ErrorMessage = AdminSecretRule)]
    public string AdminSecret { get; set; } = "";

    /// <summary>How long a token lives. Default 15 minutes.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "12:00:00")]
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromMinutes(15);
}
