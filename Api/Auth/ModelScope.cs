using System.Security.Claims;

namespace InferenceTemplate.Api.Auth;

/// <summary>Which models a caller may use: a claim for each, or none at all where the caller may use every one.</summary>
public static class ModelScope
{
    // A caller who may use no model has this as the only one; no model is called so.
    private const string Nothing = "";

    /// <summary>Whether the caller may use, and know of, a model. Who may not is answered as if it did not exist.</summary>
    public static bool MayUse(this ClaimsPrincipal caller, string model)
    {
        if (caller is KeyCaller known)
        {
            return known.Models?.Contains(model) ?? true;
        }

        var all = true;
        foreach (var claim in caller.Claims)
        {
            if (claim.Type == InferenceClaims.Model)
            {
                if (claim.Value == model)
                {
                    return true;
                }

                all = false;
            }
        }

        return all;
    }

    /// <summary>The models that the caller may use; null is everything.</summary>
    public static string[]? Models(this ClaimsPrincipal caller) =>
        caller.FindAll(InferenceClaims.Model).Select(claim => claim.Value).ToArray() is { Length: > 0 } models ? models : null;

    /// <summary>
    /// The models of which a caller may know in a tenant's data; null for all. A tenant knows what it has used, also where it has lost the
    /// model since: only a key that is narrower than its tenant is held to fewer.
    /// </summary>
    /// <param name="tenant">Whose data; null for all tenants'.</param>
    public static async Task<string[]?> ModelsOfAsync(this ApiKeyLookup keys, ClaimsPrincipal caller, string? tenant)
    {
        if (caller.Models() is not { } models || tenant != caller.TenantId())
        {
            return caller.Models();
        }

        var key = Guid.TryParse(caller.FindFirstValue(InferenceClaims.KeyId), out var id) ? await keys.FindAsync(id) : null;
        var scope = key is null ? models : key.Models;
        var all = (key is null ? await keys.FindTenantAsync(tenant) : key.Tenant)?.Models;
        return scope is null || all?.All(model => scope.Contains(model)) == true ? null : models;
    }

    /// <summary>The caller, where it may use no others any more; null is everything.</summary>
    public static ClaimsPrincipal Within(this ClaimsPrincipal caller, string[]? models)
    {
        var had = caller.Models();
        var left = Narrow(had, models);
        return left is null || left.Length == had?.Length
            ? caller
            : new ClaimsPrincipal(new ClaimsIdentity(
                caller.Claims.Where(claim => claim.Type != InferenceClaims.Model).Concat(Claims(left)),
                caller.Identity?.AuthenticationType,
                InferenceClaims.Name,
                InferenceClaims.Role));
    }

    /// <summary>What both allow; null is everything.</summary>
    public static string[]? Narrow(string[]? some, string[]? others) =>
        some is null ? others : others is null ? some : [.. some.Intersect(others, StringComparer.Ordinal)];

    /// <summary>The claims of one who may use these; null is everything.</summary>
    public static IEnumerable<Claim> Claims(string[]? models) =>
        (models is { Length: 0 } ? [Nothing] : models ?? []).Select(model => new Claim(InferenceClaims.Model, model));
}
