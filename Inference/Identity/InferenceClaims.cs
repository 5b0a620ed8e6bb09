using System.Security.Claims;

namespace InferenceTemplate.Inference.Identity;

/// <summary>The claims of a caller, by API key or token alike.</summary>
public static class InferenceClaims
{
    public const string Name = "name";
    public const string Role = "role";
    public const string Tenant = "tenant";
    public const string KeyId = "key_id";

    public static string TenantId(this ClaimsPrincipal user) =>
        user.FindFirstValue(Tenant) ?? throw new InvalidOperationException("The caller is authenticated but has no tenant.");
}
