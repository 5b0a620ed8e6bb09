using System.Security.Claims;

namespace InferenceTemplate.Api.Auth;

/// <summary>The claims of a caller, by API key or token alike.</summary>
public static class InferenceClaims
{
    public const string Name = "name";
    public const string Role = "role";
    public const string Tenant = "tenant";

    /// <summary>Of the API key, also behind a token that it was exchanged for; a caller of another authority has none.</summary>
    public const string KeyId = "key_id";

    /// <summary>Who a caller of another authority is there, whatever its name: issuer and subject. One with a key has none.</summary>
    public const string Subject = "subject";

    /// <summary>One for each model that the caller may use: <see cref="ModelScope"/>.</summary>
    public const string Model = "model";

    public static string TenantId(this ClaimsPrincipal user) => user is KeyCaller caller
        ? caller.TenantId
        : user.FindFirstValue(Tenant) ?? throw new InvalidOperationException("The caller is authenticated but has no tenant.");
}
