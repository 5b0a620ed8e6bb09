using System.ComponentModel.DataAnnotations;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Tenants;

public enum RateLimitWithoutRedis
{
    /// <summary>What can't be counted is refused with 503.</summary>
    Closed,

    /// <summary>What can't be counted goes on uncounted.</summary>
    Open,
}

/// <summary>Limits of tenants that have none of their own; 0 is no limit.</summary>
public sealed class TenantOptions
{
    public const string Section = "Tenants";

    /// <summary>The highest of all rates: beyond it the script's arithmetic would lose precision.</summary>
    public const int MaxRequestsPerMinute = 6_000_000;

    /// <summary>Requests a minute, over all Api replicas. Default 100.</summary>
    [Range(0, MaxRequestsPerMinute)]
    public int RequestsPerMinute { get; set; } = 100;

    /// <summary>Requests that may come at once after a pause; 0 for as many as in a minute.</summary>
    [Range(0, MaxRequestsPerMinute)]
    public int Burst { get; set; }

    /// <summary>Calls that may wait or run at one time. Default 64.</summary>
    [Range(0, 1_000_000)]
    public int MaxConcurrency { get; set; } = 64;

    /// <summary>Inferences in a calendar month (UTC). Default 0.</summary>
    [Range(0L, 1L << 50)]
    public long MonthlyInferences { get; set; }

    /// <summary>What a calendar month (UTC) may cost, in <c>Costs:Currency</c>. Default 0.</summary>
    [Range(typeof(decimal), "0", "10000000000", ParseLimitsInInvariantCulture = true)]
    public decimal MonthlyBudget { get; set; }

    /// <summary>Tokens of prompts and answers together, in a calendar month (UTC). Default 0.</summary>
    [Range(0L, 1L << 50)]
    public long MonthlyTokens { get; set; }

    /// <summary>The part of a monthly limit at which an alert is raised, once a month. Default 0.8.</summary>
    [Range(0.01, 1.0)]
    public double AlertAt { get; set; } = 0.8;

    /// <summary>Whether jobs are refused with 503 while Redis is away, or accepted without being counted. Default Closed.</summary>
    [EnumDataType(typeof(RateLimitWithoutRedis))]
    public RateLimitWithoutRedis RateLimitWhenUnavailable { get; set; } = RateLimitWithoutRedis.Closed;

    /// <summary>Tenants that metrics name on each replica; the further ones are <c>other</c>. Default 100.</summary>
    [Range(1, 10_000)]
    public int MetricTenants { get; set; } = 100;

    /// <summary>A tenant's own limits, and the platform's where it has none.</summary>
    public TenantLimits LimitsOf(Tenant tenant)
    {
        var rate = tenant.RequestsPerMinute ?? RequestsPerMinute;
        var burst = tenant.Burst ?? Burst;
        return new TenantLimits(
            rate,
            rate == 0 ? 0 : burst == 0 ? rate : burst,
            tenant.MaxConcurrency ?? MaxConcurrency,
            tenant.MonthlyInferences ?? MonthlyInferences,
            tenant.MonthlyBudget ?? MonthlyBudget,
            tenant.AllowOverdraft,
            tenant.PriorityCeiling)
        {
            MonthlyTokens = tenant.MonthlyTokens ?? MonthlyTokens,
        };
    }
}
