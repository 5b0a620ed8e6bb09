using System.Security.Claims;

namespace InferenceTemplate.Inference.Identity;

/// <summary>Claims beside name and role.</summary>
public static class InferenceClaims
{
    public const string Tenant = "tenant";
    public const string KeyId = "key_id";

    public static string TenantId(this ClaimsPrincipal user) =>
        user.FindFirstValue(Tenant) ?? throw new InvalidOperationException("The caller is authenticated but has no tenant.");
}
