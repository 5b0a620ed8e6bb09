using System.Collections.Concurrent;
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

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>The tenant's account; one that does not exist has the platform's limits.</summary>
    /// <exception cref="NpgsqlException">The tenant was never read and the database can't be asked.</exception>
    public ValueTask<TenantAccount> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        var entry = _entries.GetOrAdd(tenant, static _ => new Entry());
        return entry.Known is { } known && time.GetElapsedTime(Interlocked.Read(ref entry.ReadAt)) < CacheDuration
            ? ValueTask.FromResult(known)
            : ReadAgainAsync(tenant, entry, cancellationToken);
    }

    private async ValueTask<TenantAccount> ReadAgainAsync(string tenant, Entry entry, CancellationToken cancellationToken)
    {
        Task<TenantAccount> reading;
        bool began;
        lock (entry)
        {
            began = entry.Reading is null;
            reading = entry.Reading ??= Task.Run(() => ReadAsync(tenant, entry), CancellationToken.None);
        }

        if (entry.Known is not { } known)
        {
            return await reading.WaitAsync(cancellationToken);
        }

        // One caller waits a little; an outage must not hold up all of them.
        if (began)
        {
            await ((Task)reading).WaitAsync(WaitTimeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return entry.Known ?? known;
    }

    private async Task<TenantAccount> ReadAsync(string tenant, Entry entry)
    {
        try
        {
            var account = await QueryAsync(tenant);
            entry.Known = account;
            return account;
        }
        catch (NpgsqlException exception) when (entry.Known is not null)
        {
            LogStale(tenant, exception.Message);
            return entry.Known;
        }
        finally
        {
            lock (entry)
            {
                Interlocked.Exchange(ref entry.ReadAt, time.GetTimestamp());
                entry.Reading = null;
            }
        }
    }

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

    private sealed class Entry
    {
        public volatile TenantAccount? Known;
        public long ReadAt;
        public Task<TenantAccount>? Reading;
    }
}
