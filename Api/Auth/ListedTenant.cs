using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Auth;

/// <summary>The <c>tenant</c> of a list: the caller's own where it is left out; an admin may name another, or <c>all</c>.</summary>
internal static class ListedTenant
{
    public const string All = "all";

    /// <param name="things">What the list has.</param>
    /// <returns>Null where the caller may see what he asks for.</returns>
    public static ProblemHttpResult? Refusal(string? tenant, ClaimsPrincipal caller, string things) =>
        tenant is null || tenant == caller.TenantId() ? null
        : !caller.IsInRole(Roles.Admin) ? TypedResults.Problem(
            $"The {things} of '{tenant}' are not yours to see: leave 'tenant' out for your own.", statusCode: StatusCodes.Status403Forbidden)
        : tenant.Contains('\0', StringComparison.Ordinal) ? TypedResults.Problem(
            "tenant: a name without U+0000 expected", statusCode: StatusCodes.Status400BadRequest)
        : null;

    /// <returns>Null for every tenant.</returns>
    public static string? Of(string? tenant, ClaimsPrincipal caller) => tenant == All ? null : tenant ?? caller.TenantId();
}
