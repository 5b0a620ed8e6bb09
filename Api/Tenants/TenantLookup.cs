using System.Collections.Concurrent;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Tenants;

/// <summary>
/// Tenants' accounts, cached for one second: a change of limits holds on every replica within that. While Postgres is away
/// or slow, the last known ones hold on.
/// </summary>
public sealed partial class TenantLookup(
    NpgsqlDataSource dataSource, IOptions<TenantOptions> options, TimeProvider time, ILogger<TenantLookup> logger)
{
    private const string Sql = """
        SELECT requests_per_minute, burst, max_concurrency, monthly_inferences, monthly_budget, allow_overdraft, priority_ceiling,
               suspended_at IS NOT NULL, deleted_at IS NOT NULL, coalesce(inferences, 0), coalesce(cost, 0),
               monthly_tokens, coalesce(tokens, 0)
        FROM tenants LEFT JOIN tenant_months ON tenant_id = id AND month = $2
        WHERE id = $1
        """;

    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(1);

    // How long a caller waits for news of a tenant that is known already.
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<string, Refreshing<TenantAccount>> _accounts = new(StringComparer.Ordinal);

    /// <summary>The tenant's account; one that does not exist has the platform's limits.</summary>
    /// <exception cref="NpgsqlException">The tenant was never read and the database can't be asked.</exception>
    public ValueTask<TenantAccount> FindAsync(string tenant, CancellationToken cancellationToken) =>
        _accounts.GetOrAdd(tenant, static (name, lookup) => lookup.AccountOf(name), this).GetAsync(cancellationToken, WaitTimeout);

    private Refreshing<TenantAccount> AccountOf(string tenant) =>
        new(CacheDuration, () => QueryAsync(tenant), time, exception => LogStale(tenant, exception.Message));

    private async Task<TenantAccount> QueryAsync(string tenant)
    {
        var month = TenantAccount.MonthOf(time.GetUtcNow());
        await using var command = dataSource.CreateCommand(Sql);
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(month);
        await using var row = await command.ExecuteReaderAsync();
        if (!await row.ReadAsync())
        {
            return new TenantAccount(tenant, options.Value.LimitsOf(new Tenant { Id = tenant, Name = tenant }), month, 0, 0);
        }

        var own = new Tenant
        {
            Id = tenant,
            Name = tenant,
            RequestsPerMinute = Read<int>(row, 0),
            Burst = Read<int>(row, 1),
            MaxConcurrency = Read<int>(row, 2),
            MonthlyInferences = Read<long>(row, 3),
            MonthlyBudget = Read<decimal>(row, 4),
            AllowOverdraft = row.GetBoolean(5),
            PriorityCeiling = (Priority?)Read<short>(row, 6),
            MonthlyTokens = Read<long>(row, 11),
        };
        return new TenantAccount(
            tenant, options.Value.LimitsOf(own), month, row.GetInt64(9), row.GetDecimal(10), row.GetBoolean(7), row.GetBoolean(8))
        {
            Tokens = row.GetInt64(12),
        };
    }

    private static T? Read<T>(NpgsqlDataReader row, int column)
        where T : struct => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);

    [LoggerMessage(LogLevel.Warning, "The limits of tenant {Tenant} can't be read, the last known ones hold on: {Reason}")]
    private partial void LogStale(string tenant, string reason);
}
