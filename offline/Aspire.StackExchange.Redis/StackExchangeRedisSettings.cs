namespace Aspire.StackExchange.Redis;

/// <summary>
/// Settings of the Redis client, bound from <c>Aspire:StackExchange:Redis</c> and
/// <c>Aspire:StackExchange:Redis:{connectionName}</c>.
/// </summary>
public sealed class StackExchangeRedisSettings
{
    /// <summary><c>ConnectionStrings:{connectionName}</c> wins over what the settings' own sections say.</summary>
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }
}
