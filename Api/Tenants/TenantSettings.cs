using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Tenants;

/// <summary>What an operator decides of a tenant. A limit that is null is the platform's; 0 is no limit.</summary>
public sealed record TenantSettings
{
    private const int MaxModels = 1_000;
    private const int MaxRetentionDays = 3_650;

    public string? Name { get; init; }

    public int? RequestsPerMinute { get; init; }

    public int? Burst { get; init; }

    public int? MaxConcurrency { get; init; }

    public long? MonthlyInferences { get; init; }

    public decimal? MonthlyBudget { get; init; }

    public long? MonthlyTokens { get; init; }

    public bool AllowOverdraft { get; init; }

    /// <summary>The models that the tenant may see and use; null for all.</summary>
    public string[]? Models { get; init; }

    /// <summary><c>high</c>, <c>normal</c> or <c>low</c>; null for any.</summary>
    public string? PriorityCeiling { get; init; }

    public int? RetentionDays { get; init; }

    public static TenantSettings Of(Tenant tenant) => new()
    {
        Name = tenant.Name,
        RequestsPerMinute = tenant.RequestsPerMinute,
        Burst = tenant.Burst,
        MaxConcurrency = tenant.MaxConcurrency,
        MonthlyInferences = tenant.MonthlyInferences,
        MonthlyBudget = tenant.MonthlyBudget,
        MonthlyTokens = tenant.MonthlyTokens,
        AllowOverdraft = tenant.AllowOverdraft,
        Models = tenant.Models,
        PriorityCeiling = tenant.PriorityCeiling?.Name(),
        RetentionDays = tenant.RetentionDays,
    };

    /// <summary>What is wrong, by field; empty where nothing is.</summary>
    public IReadOnlyList<(string Field, string Message)> Problems()
    {
        List<(string, string)> problems = [];
        Check(Name is { Length: >= 1 and <= 200 } && !Name.Contains('\0', StringComparison.Ordinal), "name",
            "1 to 200 characters expected");
        CheckRange("requests_per_minute", RequestsPerMinute, TenantOptions.MaxRequestsPerMinute);
        CheckRange("burst", Burst, TenantOptions.MaxRequestsPerMinute);
        CheckRange("max_concurrency", MaxConcurrency, 1_000_000);
        CheckRange("monthly_inferences", MonthlyInferences, 1L << 50);
        CheckRange("monthly_tokens", MonthlyTokens, 1L << 50);
        CheckRange("monthly_budget", MonthlyBudget, 10_000_000_000m);
        Check(MonthlyBudget is null || decimal.Round(MonthlyBudget.Value, 4) == MonthlyBudget, "monthly_budget",
            $"{MonthlyBudget} given, at most four decimals expected");
        Check(RetentionDays is null or (>= 1 and <= MaxRetentionDays), "retention_days",
            $"{RetentionDays} given, 1 to {MaxRetentionDays} expected");
        Check(PriorityCeiling is null || ParsePriority(PriorityCeiling) is not null, "priority_ceiling",
            $"'{PriorityCeiling}' given, one of high, normal, low expected");
        Check(Models is null or { Length: <= MaxModels }, "models", $"{Models?.Length} given, at most {MaxModels} expected");
        foreach (var model in (Models ?? []).Where(m => m is null || !ModelNames.IsModel(m)).Take(1))
        {
            Check(false, "models", $"'{model}' given, {ModelNames.ModelRule} expected");
        }

        return problems;

        void Check(bool right, string field, string message)
        {
            if (!right)
            {
                problems.Add((field, message));
            }
        }

        void CheckRange<T>(string field, T? value, T most)
            where T : struct, IComparable<T> => Check(
                value is not { } given || (given.CompareTo(default) >= 0 && given.CompareTo(most) <= 0),
                field,
                FormattableString.Invariant($"{value} given, 0 (no limit) to {most}, or null for the platform's, expected"));
    }

    /// <summary>Changes a tenant to these settings.</summary>
    public void Apply(Tenant tenant)
    {
        tenant.Name = Name!;
        tenant.RequestsPerMinute = RequestsPerMinute;
        tenant.Burst = Burst;
        tenant.MaxConcurrency = MaxConcurrency;
        tenant.MonthlyInferences = MonthlyInferences;
        tenant.MonthlyBudget = MonthlyBudget;
        tenant.MonthlyTokens = MonthlyTokens;
        tenant.AllowOverdraft = AllowOverdraft;
        tenant.Models = Models;
        tenant.PriorityCeiling = ParsePriority(PriorityCeiling);
        tenant.RetentionDays = RetentionDays;
    }

    private static Priority? ParsePriority(string? name) => name switch
    {
        "high" => Priority.High,
        "normal" => Priority.Normal,
        "low" => Priority.Low,
        _ => null,
    };
}
