using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Core.Tenants;

/// <summary>The limits that hold for a tenant; 0 is no limit.</summary>
/// <param name="Burst">Requests that may come at once after a pause; at least 1 where there is a rate.</param>
/// <param name="MonthlyBudget">In <c>Costs:Currency</c>.</param>
public sealed record TenantLimits(
    int RequestsPerMinute,
    int Burst,
    int MaxConcurrency,
    long MonthlyInferences,
    decimal MonthlyBudget,
    bool AllowOverdraft,
    Priority? PriorityCeiling)
{
    public static TenantLimits None { get; } = new(0, 0, 0, 0, 0, AllowOverdraft: false, PriorityCeiling: null);

    /// <summary>Tokens of prompts and answers together, in a calendar month (UTC).</summary>
    public long MonthlyTokens { get; init; }

    /// <summary>Whether anything must be counted before a request is admitted.</summary>
    public bool AreCounted => RequestsPerMinute > 0 || MaxConcurrency > 0 || MonthlyInferences > 0;

    /// <summary>The priority that a request gets which asked for this one.</summary>
    public Priority Lower(Priority asked) => PriorityCeiling is { } ceiling && asked < ceiling ? ceiling : asked;
}
