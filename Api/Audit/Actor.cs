using System.Security.Claims;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Audit;

/// <summary>Who does something: by it the audit chain knows with whom the name is to be forgotten.</summary>
/// <param name="Name">Of a key or token, or <c>admin command</c>.</param>
/// <param name="TenantId">Whose key or token it is; null for the platform itself.</param>
public readonly record struct Actor(string Name, string? TenantId)
{
    public static Actor Of(ClaimsPrincipal caller) => new(caller.Identity?.Name ?? "unnamed", caller.TenantId());
}
