using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Inference.Identity;

/// <summary>Secrets of the API keys; start-up fails while one is missing or short.</summary>
public sealed class ApiKeyOptions
{
    public const string Section = "Auth";

    /// <summary>Key of the HMAC under which API keys are stored; at least 16 characters. Changing it voids every key.</summary>
    [Required, MinLength(16, ErrorMessage = "Auth:ApiKeyPepper must be set to a secret of at least 16 characters.")]
    public string ApiKeyPepper { get; set; } = "";
}
