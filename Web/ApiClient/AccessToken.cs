using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>POST /v1/auth/token</c> answers to a good API key.</summary>
/// <param name="Token">The bearer token.</param>
/// <param name="ExpiresIn">Its life in seconds.</param>
/// <param name="Name">Of the key.</param>
/// <param name="Role"><c>admin</c>, <c>user</c> or <c>service</c>.</param>
/// <param name="Tenant">Whom the key belongs to.</param>
public sealed record AccessToken(
    [property: JsonPropertyName("access_token")] string Token,
    int ExpiresIn,
    string Name,
    string Role,
    string Tenant);
