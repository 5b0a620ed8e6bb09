namespace InferenceTemplate.Core.Tenants;

/// <summary>A tenant as admission needs it, as it was a second ago at most: limits, and what the month has come to.</summary>
/// <param name="Month">The first day of the calendar month (UTC) of <paramref name="Inferences"/> and <paramref name="Cost"/>.</param>
/// <param name="Inferences">Summed so far; what runs or was not summed yet is not in it.</param>
/// <param name="Cost">Of those, in <c>Costs:Currency</c>.</param>
public sealed record TenantAccount(
    string Id, TenantLimits Limits, DateOnly Month, long Inferences, decimal Cost, bool IsSuspended = false, bool IsDeleted = false)
{
    /// <summary>Of prompts and answers, summed so far.</summary>
    public long Tokens { get; init; }

    /// <summary>The largest used part of a monthly limit, 1 being all of it; 0 where there is none.</summary>
    public double UsedPart => Math.Max(
        Limits.MonthlyTokens > 0 ? (double)Tokens / Limits.MonthlyTokens : 0,
        Math.Max(
            Limits.MonthlyInferences > 0 ? (double)Inferences / Limits.MonthlyInferences : 0,
            Limits.MonthlyBudget > 0 ? (double)(Cost / Limits.MonthlyBudget) : 0));

    public bool IsOverBudget => !Limits.AllowOverdraft && Limits.MonthlyBudget > 0 && Cost >= Limits.MonthlyBudget;

    public bool IsOverQuota => !Limits.AllowOverdraft && Limits.MonthlyInferences > 0 && Inferences >= Limits.MonthlyInferences;

    /// <summary>Holds for models that generate text alone.</summary>
    public bool IsOverTokens => !Limits.AllowOverdraft && Limits.MonthlyTokens > 0 && Tokens >= Limits.MonthlyTokens;

    /// <summary>The same tenant, charged for nothing: for the second try of a request that was counted.</summary>
    public TenantAccount Uncounted() =>
        this with { Limits = Limits with { RequestsPerMinute = 0, MaxConcurrency = 0, MonthlyInferences = 0 } };

    /// <summary>The month that a moment is in.</summary>
    public static DateOnly MonthOf(DateTimeOffset moment) => new(moment.UtcDateTime.Year, moment.UtcDateTime.Month, 1);
}
