using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Tenants;

/// <summary>A tenant as operators see it. A limit that is null is the platform's; 0 is no limit.</summary>
internal sealed record TenantView(
    string Id,
    string Name,
    string State,
    DateTimeOffset CreatedAt,
    DateTimeOffset? SuspendedAt,
    DateTimeOffset? DeletedAt,
    int? RequestsPerMinute,
    int? Burst,
    int? MaxConcurrency,
    long? MonthlyInferences,
    decimal? MonthlyBudget,
    long? MonthlyTokens,
    bool AllowOverdraft,
    string[]? Models,
    string? PriorityCeiling,
    int? RetentionDays,
    TenantLimitsView Effective)
{
    public static TenantView Of(Tenant tenant, TenantOptions platform) => new(
        tenant.Id,
        tenant.Name,
        tenant.DeletedAt is not null ? "deleted" : tenant.SuspendedAt is not null ? "suspended" : "active",
        tenant.CreatedAt,
        tenant.SuspendedAt,
        tenant.DeletedAt,
        tenant.RequestsPerMinute,
        tenant.Burst,
        tenant.MaxConcurrency,
        tenant.MonthlyInferences,
        tenant.MonthlyBudget,
        tenant.MonthlyTokens,
        tenant.AllowOverdraft,
        tenant.Models,
        tenant.PriorityCeiling?.Name(),
        tenant.RetentionDays,
        TenantLimitsView.Of(platform.LimitsOf(tenant)));
}

/// <summary>The limits that hold; 0 is no limit.</summary>
internal sealed record TenantLimitsView(
    int RequestsPerMinute, int Burst, int MaxConcurrency, long MonthlyInferences, decimal MonthlyBudget, long MonthlyTokens,
    bool AllowOverdraft, string? PriorityCeiling)
{
    public static TenantLimitsView Of(TenantLimits limits) => new(
        limits.RequestsPerMinute, limits.Burst, limits.MaxConcurrency, limits.MonthlyInferences, limits.MonthlyBudget,
        limits.MonthlyTokens, limits.AllowOverdraft,
        limits.PriorityCeiling?.Name());
}

/// <param name="Next">The <c>after</c> of the next page; null where there is none.</param>
internal sealed record TenantPage(TenantView[] Tenants, string? Next);

/// <summary>A tenant's own view: what it may, and what it has used.</summary>
/// <param name="Models">Null for all.</param>
internal sealed record OwnTenant(string Id, string Name, TenantLimitsView Limits, string[]? Models, MinuteUse? Minute, MonthUse Month);

/// <summary>Null as a whole while Redis is away. What is not limited is null.</summary>
/// <param name="Remaining">Requests that could come now.</param>
/// <param name="ResetSeconds">Until the full burst could come again.</param>
internal sealed record MinuteUse(long? Remaining, long? ResetSeconds, long? InFlight);

/// <param name="Inferences">Summed so far, a second or two behind.</param>
/// <param name="Tokens">Of prompts and answers of models that generate text.</param>
/// <param name="Used">The largest used part of a monthly limit; null where there is none.</param>
internal sealed record MonthUse(string Month, long Inferences, long Tokens, decimal Cost, string Currency, double? Used);
