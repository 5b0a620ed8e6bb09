using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Auth;

/// <summary>Secrets of the Api's own tokens; start-up fails while one is missing or short.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Signs the short-lived tokens (HMAC-SHA-256); at least 32 characters.</summary>
    [Required, MinLength(32, ErrorMessage = "Auth:JwtSigningKey must be set to a secret of at least 32 characters.")]
    public string JwtSigningKey { get; set; } = "";

    /// <summary>
    /// The first admin key is <c>admin_</c> and this; at least 24 characters. Changing it replaces that key at the next start.
    /// </summary>
    [Required, MinLength(24, ErrorMessage = "Auth:AdminSecret must be set to a secret of at least 24 characters.")]
    public string AdminSecret { get; set; } = "";

    /// <summary>How long a token lives. Default 15 minutes.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "12:00:00")]
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromMinutes(15);
}
