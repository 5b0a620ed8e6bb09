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

    /// <summary>What both allow; null is everything.</summary>
    public static string[]? Narrow(string[]? some, string[]? others) =>
        some is null ? others : others is null ? some : [.. some.Intersect(others, StringComparer.Ordinal)];

    /// <summary>The claims of one who may use these; null is everything.</summary>
    public static IEnumerable<Claim> Claims(string[]? models) =>
        (models is { Length: 0 } ? [Nothing] : models ?? []).Select(model => new Claim(InferenceClaims.Model, model));
}
