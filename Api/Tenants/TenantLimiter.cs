using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Queue.Scripts;
using InferenceTemplate.Core.Tenants;
using Npgsql;
using StackExchange.Redis;

namespace InferenceTemplate.Api.Tenants;

/// <summary>
/// Counts a tenant's requests beside the queue: those that do not pass its admission, and what admission leaves to be done.
/// </summary>
public sealed class TenantLimiter(IConnectionMultiplexer redis, NpgsqlDataSource dataSource)
{
    // Beyond the month's end: a slow clock still finds it.
    private static readonly TimeSpan MonthLasts = TimeSpan.FromDays(40);

    // When Redis has lost its data all of a tenant's callers find that out at once: one look into Postgres serves them.
    private readonly ConcurrentDictionary<(string Tenant, DateOnly Month), Lazy<Task>> _loads = new();

    /// <summary>Counts one request that waits in no queue; <see cref="EnqueueOutcome.Enqueued"/> where it may go on.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<(EnqueueOutcome Outcome, TenantStanding? Standing)> TakeAsync(
        TenantAccount tenant, CancellationToken cancellationToken)
    {
        if (!tenant.Limits.AreCounted)
        {
            return (EnqueueOutcome.Enqueued, null);
        }

        var taken = await EvaluateAsync(TenantScripts.Take, tenant);
        if (taken.Outcome == EnqueueOutcome.UnknownMonth)
        {
            await LoadMonthAsync(tenant, cancellationToken);
            taken = await EvaluateAsync(TenantScripts.Take, tenant);
        }

        return taken;
    }

    /// <summary>How the tenant stands, counting nothing.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<TenantStanding> PeekAsync(TenantAccount tenant) => (await EvaluateAsync(TenantScripts.Peek, tenant)).Standing;

    /// <summary>
    /// Frees the place that admission gave to a request. Nobody waits for it: it is on its way before the answer is, and what is lost
    /// frees itself at the request's deadline.
    /// </summary>
    public void Release(TenantAccount tenant, Guid request)
    {
        if (tenant.Limits.MaxConcurrency > 0)
        {
            _ = redis.GetDatabase().SortedSetRemoveAsync(TenantKeys.Slots(tenant.Id), request.ToByteArray(), CommandFlags.FireAndForget);
        }
    }

    /// <summary>Undoes what was counted for a request that no worker had room for, so that a refusal costs its tenant nothing.</summary>
    /// <returns>How the tenant stands then; null where nothing is counted, or Redis is away.</returns>
    public async Task<TenantStanding?> UndoAsync(TenantAccount tenant, Guid request)
    {
        if (!tenant.Limits.AreCounted)
        {
            return null;
        }

        try
        {
            RedisValue[] values = [.. TenantKeys.Values(tenant.Limits, TimeSpan.Zero), request.ToByteArray()];
            var answer = (RedisResult[])(await OnRedisAsync(
                database => TenantScripts.Undo.EvaluateAsync(database, TenantKeys.All(tenant), values)))!;
            return TenantStanding.Read(answer.AsSpan(1));
        }
        catch (QueueUnavailableException)
        {
            return null;
        }
    }

    /// <summary>Undoes the count of what turned out to be no inference; the request stays counted.</summary>
    public async Task RefundAsync(TenantAccount tenant)
    {
        if (tenant.Limits.MonthlyInferences <= 0)
        {
            return;
        }

        try
        {
            await OnRedisAsync(database => TenantScripts.Refund.EvaluateAsync(database, [TenantKeys.Month(tenant.Id, tenant.Month)]));
        }
        catch (QueueUnavailableException)
        {
            // Redis is away: Postgres has the true count when it is back.
        }
    }

    /// <summary>Tells Redis what Postgres knows of the tenant's month, unless it knows more.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    /// <exception cref="NpgsqlException">Postgres is away.</exception>
    public async Task LoadMonthAsync(TenantAccount tenant, CancellationToken cancellationToken)
    {
        var key = (tenant.Id, tenant.Month);
        var load = _loads.GetOrAdd(key, _ => new Lazy<Task>(() => LoadAsync(tenant)));
        try
        {
            await load.Value.WaitAsync(cancellationToken);
        }
        finally
        {
            _loads.TryRemove(KeyValuePair.Create(key, load));
        }
    }

    /// <summary>Has the month loaded anew with the next request: after a change of limits its count may have gaps.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task ForgetMonthAsync(string tenant, DateOnly month) =>
        OnRedisAsync(database => database.KeyDeleteAsync(TenantKeys.Month(tenant, month)));

    private async Task LoadAsync(TenantAccount tenant)
    {
        await using var command = dataSource.CreateCommand("SELECT inferences FROM tenant_months WHERE tenant_id = $1 AND month = $2");
        command.Parameters.AddWithValue(tenant.Id);
        command.Parameters.AddWithValue(tenant.Month);
        var inferences = (long?)await command.ExecuteScalarAsync(CancellationToken.None) ?? 0;
        await OnRedisAsync(
            database => database.StringSetAsync(TenantKeys.Month(tenant.Id, tenant.Month), inferences, MonthLasts, When.NotExists));
    }

    private async Task<(EnqueueOutcome Outcome, TenantStanding Standing)> EvaluateAsync(RedisScript script, TenantAccount tenant)
    {
        var answer = (RedisResult[])(await OnRedisAsync(database =>
            script.EvaluateAsync(database, TenantKeys.All(tenant), TenantKeys.Values(tenant.Limits, TimeSpan.Zero))))!;
        return ((EnqueueOutcome)(int)answer[0], TenantStanding.Read(answer.AsSpan(1)));
    }

    private async Task<T> OnRedisAsync<T>(Func<IDatabase, Task<T>> action)
    {
        try
        {
            return await action(redis.GetDatabase());
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }
}
