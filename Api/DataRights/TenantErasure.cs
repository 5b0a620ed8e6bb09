using InferenceTemplate.Api.Audit;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Api.DataRights;

/// <summary>
/// Removes everything of a deleted tenant but facts without personal data: its id, and that of the audit chain which is not
/// about people. Every step may be repeated, so what a crash interrupted is begun again from the beginning.
/// </summary>
public sealed class TenantErasure(
    NpgsqlDataSource dataSource,
    IDbContextFactory<InferenceDbContext> contexts,
    AuditChain chain,
    DeadLetters deadLetters,
    WithdrawnQueues queues,
    TimeProvider time)
{
    /// <summary>What stands in place of a name.</summary>
    public const string Erased = "erased";

    private const int Batch = 5_000;
    private const int LetterPage = 100;

    // Of keys, and of those who came with a token of another authority. Names that another tenant has too say nothing about this one's
    // people.
    private const string OwnNames = """
        WITH named AS (SELECT tenant_id, name FROM api_keys UNION SELECT tenant_id, name FROM audit_actors WHERE name IS NOT NULL)
        SELECT name FROM named WHERE tenant_id = $1 EXCEPT SELECT name FROM named WHERE tenant_id <> $1
        """;

    /// <summary>How far it is; null where it was never begun.</summary>
    public async Task<TenantErasureState?> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await database.TenantErasures.AsNoTracking().SingleOrDefaultAsync(e => e.TenantId == tenant, cancellationToken);
    }

    /// <summary>Notes that a tenant is to be erased, whatever time there is left to it.</summary>
    /// <returns>False where it is not marked as deleted.</returns>
    public async Task<bool> BeginAsync(string tenant, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            """
            INSERT INTO tenant_erasures (tenant_id, started_at, rows)
            SELECT id, $2, 0 FROM tenants WHERE id = $1 AND deleted_at IS NOT NULL AND id <> $3
            ON CONFLICT (tenant_id) DO UPDATE SET tenant_id = EXCLUDED.tenant_id
            """,
            cancellationToken,
            tenant,
            time.GetUtcNow(),
            Tenant.DefaultId) == 1;

    /// <summary>Erases, or goes on with it; after it nothing of the tenant is left unless somebody still writes.</summary>
    public async Task EraseAsync(string tenant, CancellationToken cancellationToken)
    {
        if (!await BeginAsync(tenant, cancellationToken))
        {
            throw new InvalidOperationException($"The tenant '{tenant}' is not marked as deleted.");
        }

        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        foreach (var column in PersonalColumn.All(database.Model))
        {
            await CountAsync(
                tenant,
                $"UPDATE {column.Table} SET {column.Column} = '{Erased}' WHERE {column.Column} IN ({OwnNames}) RETURNING 1",
                cancellationToken);
        }

        await EraseQueuedAsync(tenant, cancellationToken);
        foreach (var table in TenantTable.All(database.Model).Where(t => t.IsErased))
        {
            // By ctid: the cheapest way to take a bounded number of any table's rows.
            var delete = $"""
                DELETE FROM {table.Name} WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM {table.Name} WHERE {table.IsTenants} LIMIT {Batch})) RETURNING 1
                """;
            while (await CountAsync(tenant, delete, cancellationToken) > 0)
            {
                // There may be more.
            }
        }

        await FinishAsync(tenant, cancellationToken);
    }

    // What waits and what was given up hold its inputs. Cached responses can't be found by tenant; they expire within a day.
    private async Task EraseQueuedAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var versions = await database.ModelVersions.Select(v => new { v.Model, v.Version }).ToListAsync(cancellationToken);
        foreach (var queue in versions.Select(v => new QueueName(v.Model, v.Version)))
        {
            await queues.RemoveOfTenantAsync(queue, tenant);
            string? after = null;
            while (await deadLetters.ListAsync(queue, after, LetterPage) is { Count: > 0 } page)
            {
                foreach (var letter in page.Where(l => l.Request?.TenantId == tenant))
                {
                    await deadLetters.PurgeAsync(queue, letter.Id);
                }

                after = page[^1].Id;
            }
        }
    }

    // In one transaction with the entry that allows the chain to have lost its names and details.
    private async Task FinishAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await AuditChain.LockAsync(connection, cancellationToken);
        var forgotten = await ExecuteAsync(connection, "DELETE FROM audit_details WHERE tenant_id = $1", cancellationToken, tenant)
            + await ExecuteAsync(
                connection, "UPDATE audit_actors SET name = NULL, salt = NULL WHERE tenant_id = $1 AND name IS NOT NULL",
                cancellationToken, tenant);
        await ExecuteAsync(
            connection,
            """
            UPDATE tenants SET name = $2, requests_per_minute = NULL, burst = NULL, max_concurrency = NULL, monthly_inferences = NULL,
                monthly_budget = NULL, monthly_tokens = NULL, models = NULL, priority_ceiling = NULL, retention_days = NULL
            WHERE id = $1
            """,
            cancellationToken,
            tenant,
            Erased);
        var first = await ExecuteAsync(
            connection,
            "UPDATE tenant_erasures SET finished_at = $2 WHERE tenant_id = $1 AND finished_at IS NULL",
            cancellationToken,
            tenant,
            time.GetUtcNow()) == 1;
        if (first || forgotten > 0)
        {
            await chain.AppendAsync(connection, [new AuditEvent(AuditActions.TenantErased, "platform", tenant, tenant)], cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private async Task<long> CountAsync(string tenant, string change, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"""
            WITH changed AS ({change})
            UPDATE tenant_erasures SET rows = rows + (SELECT count(*) FROM changed) WHERE tenant_id = $1
            RETURNING (SELECT count(*) FROM changed)
            """);
        command.CommandTimeout = 0;
        command.Parameters.AddWithValue(tenant);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        return await ExecuteAsync(connection, sql, cancellationToken, values);
    }

    private static async Task<int> ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
