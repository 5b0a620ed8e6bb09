using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Auth;

/// <summary>Secrets of the API keys; start-up fails while one is missing or short.</summary>
public sealed class ApiKeyOptions
{
    public const string Section = "Auth";

    private const string ApiKeyPepperRule =
        "Auth:ApiKeyPepper must be set to a random secret of at least 16 characters, such as `openssl rand -hex 32` gives.";

    /// <summary>Key of the HMAC under which API keys are stored; at least 16 characters. Changing it voids every key.</summary>
    [Required(ErrorMessage = ApiKeyPepperRule), MinLength(16, ErrorMessage = ApiKeyPepperRule)]
    public string ApiKeyPepper { get; set; } = "";
}
