using InferenceTemplate.Core.Generation;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Usage;

/// <summary>What a pass has summed of one tenant: of its calls too, but told are only the jobs.</summary>
public sealed record SummedUsage(string Tenant, long Jobs, long FailedJobs, decimal CostOfJobs, TokenUse TokensOfJobs);

/// <summary>Turns entries into sums, in one transaction and on one replica at a time.</summary>
public sealed class UsageSummation(NpgsqlDataSource dataSource)
{
    private const int MaxEntries = 10_000;

    // Only whoever has the lock writes sums, so that the order of rows is nobody else's matter.
    private const string Sql = """
        WITH taken AS (
            DELETE FROM usage_entries WHERE id IN (SELECT id FROM usage_entries LIMIT $1) RETURNING *),
        hours AS (
            INSERT INTO usage_hours AS old (tenant_id, hour, model, version, requests, failures, cached, jobs, device_microseconds, cost,
                prompt_tokens, completion_tokens)
            SELECT tenant_id, hour, model, version, sum(requests), sum(failures), sum(cached), sum(jobs), sum(device_microseconds), sum(cost),
                sum(prompt_tokens), sum(completion_tokens)
            FROM taken GROUP BY tenant_id, hour, model, version
            ON CONFLICT (tenant_id, hour, model, version) DO UPDATE SET
                requests = old.requests + excluded.requests, failures = old.failures + excluded.failures,
                cached = old.cached + excluded.cached, jobs = old.jobs + excluded.jobs,
                device_microseconds = old.device_microseconds + excluded.device_microseconds, cost = old.cost + excluded.cost,
                prompt_tokens = old.prompt_tokens + excluded.prompt_tokens,
                completion_tokens = old.completion_tokens + excluded.completion_tokens),
        months AS (
            INSERT INTO tenant_months AS old (tenant_id, month, inferences, cost, tokens)
            SELECT tenant_id, date_trunc('month', hour AT TIME ZONE 'UTC')::date, sum(requests), sum(cost), sum(prompt_tokens + completion_tokens)
            FROM taken GROUP BY 1, 2
            ON CONFLICT (tenant_id, month) DO UPDATE SET
                inferences = old.inferences + excluded.inferences, cost = old.cost + excluded.cost, tokens = old.tokens + excluded.tokens),
        gone AS (DELETE FROM usage_writers WHERE written_at < now() - interval '7 days')
        SELECT tenant_id, sum(jobs)::bigint, coalesce(sum(failures) FILTER (WHERE jobs > 0), 0)::bigint,
               coalesce(sum(cost) FILTER (WHERE jobs > 0), 0),
               coalesce(sum(prompt_tokens) FILTER (WHERE jobs > 0), 0)::bigint,
               coalesce(sum(completion_tokens) FILTER (WHERE jobs > 0), 0)::bigint
        FROM taken GROUP BY tenant_id
        """;

    /// <summary>Sums what there is, up to a bound; empty where there is nothing or another replica is at it.</summary>
    /// <exception cref="NpgsqlException">Postgres is away or refused.</exception>
    public async Task<IReadOnlyList<SummedUsage>> SumAsync(CancellationToken cancellationToken)
    {
        await using var lead = await LeaderLock.TryTakeAsync(dataSource, "usage.summation", cancellationToken);
        if (lead is null)
        {
            return [];
        }

        var summed = new List<SummedUsage>();
        await using (var command = new NpgsqlCommand(Sql, lead.Connection, lead.Transaction) { Parameters = { new() { Value = MaxEntries } } })
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                summed.Add(new(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetDecimal(3), new(row.GetInt64(4), row.GetInt64(5))));
            }
        }

        await lead.Transaction.CommitAsync(cancellationToken);
        return summed;
    }
}
