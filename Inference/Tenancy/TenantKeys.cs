using System.Globalization;
using StackExchange.Redis;

namespace InferenceTemplate.Inference.Tenancy;

/// <summary>A tenant's names in Redis. The braces keep them in one slot of a cluster.</summary>
internal static class TenantKeys
{
    /// <summary>In the order of the scripts: when the bucket is full again, the places in use, the month's inferences.</summary>
    public static RedisKey[] All(TenantAccount tenant) => [$"{Prefix(tenant.Id)}:rate", Places(tenant.Id), Month(tenant.Id, tenant.Month)];

    public static RedisKey Places(string tenant) => $"{Prefix(tenant)}:places";

    public static RedisKey Month(string tenant, DateOnly month) =>
        $"{Prefix(tenant)}:inferences:{month.ToString("yyyy-MM", CultureInfo.InvariantCulture)}";

    private static string Prefix(string tenant) => $"inference:tenant:{{{tenant}}}";
}
