using System.Globalization;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Tenants;

/// <summary>A tenant's names in Redis. The braces keep them in one slot of a cluster.</summary>
public static class TenantKeys
{
    // A caller waits a little beyond its deadline.
    private static readonly TimeSpan PlaceGrace = TimeSpan.FromSeconds(1);

    /// <summary>In the order of the scripts: when the bucket is full again, the slots in use, the month's inferences.</summary>
    public static RedisKey[] All(TenantAccount tenant) => [$"{Prefix(tenant.Id)}:rate", Slots(tenant.Id), Month(tenant.Id, tenant.Month)];

    /// <summary>The arguments of <c>tenant.lua</c>.</summary>
    public static RedisValue[] Values(TenantLimits limits, TimeSpan untilDeadline) =>
    [
        limits.RequestsPerMinute,
        limits.Burst,
        limits.MaxConcurrency,
        limits is { MonthlyInferences: > 0, AllowOverdraft: true } ? -1 : limits.MonthlyInferences,
        (long)(untilDeadline + PlaceGrace).TotalMilliseconds,
    ];

    public static RedisKey Slots(string tenant) => $"{Prefix(tenant)}:slots";

    public static RedisKey Month(string tenant, DateOnly month) =>
        $"{Prefix(tenant)}:inferences:{month.ToString("yyyy-MM", CultureInfo.InvariantCulture)}";

    private static string Prefix(string tenant) => $"inference:tenant:{{{tenant}}}";
}
