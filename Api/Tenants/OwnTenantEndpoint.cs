using System.Globalization;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Tenants;

/// <summary><c>GET /v1/tenants/me</c>: what a caller's tenant may, and what it has used.</summary>
internal static class OwnTenantEndpoint
{
    public static void MapOwnTenant(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/v1/tenants/me", GetAsync)
            .WithSummary("The own tenant: its limits, what is left of them, the month so far").RequireAuthorization(Policies.Infer);

    private static async Task<IResult> GetAsync(
        ClaimsPrincipal caller, TenantStore store, TenantLookup tenants, TenantLimiter limiter, IOptions<CostOptions> costs,
        CancellationToken cancellationToken)
    {
        if (await store.FindAsync(caller.TenantId(), cancellationToken) is not { } tenant)
        {
            return new TenantProblem(TenantProblemKind.NotFound, $"There is no tenant '{caller.TenantId()}'.").ToResult();
        }

        var account = await tenants.FindAsync(tenant.Id, cancellationToken);
        var limits = account.Limits;
        return TypedResults.Json(
            new OwnTenant(
                tenant.Id,
                tenant.Name,
                TenantLimitsView.Of(limits),
                tenant.Models,
                await MinuteOfAsync(limiter, account),
                new MonthUse(
                    account.Month.ToString("yyyy-MM", CultureInfo.InvariantCulture), account.Inferences, account.Tokens, account.Cost,
                    costs.Value.Currency,
                    limits.MonthlyInferences > 0 || limits.MonthlyBudget > 0 || limits.MonthlyTokens > 0 ? account.UsedPart : null)),
            TenantsJson.Default.OwnTenant);
    }

    private static async Task<MinuteUse?> MinuteOfAsync(TenantLimiter limiter, TenantAccount account)
    {
        if (!account.Limits.AreCounted)
        {
            return new MinuteUse(null, null, null);
        }

        try
        {
            var standing = await limiter.PeekAsync(account);
            var rate = account.Limits.RequestsPerMinute > 0;
            return new MinuteUse(
                rate ? standing.Remaining : null,
                rate ? (long)Math.Ceiling(standing.FullAfter.TotalSeconds) : null,
                standing.InFlight < 0 ? null : standing.InFlight);
        }
        catch (QueueUnavailableException)
        {
            return null;
        }
    }
}
