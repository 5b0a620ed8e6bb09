using System.Diagnostics;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>The batch that arrives is no longer this replica's: it was silent for too long.</summary>
public sealed class BatchIntakeLostException() : Exception("the batch stopped arriving for too long and was dropped: send it again");

/// <summary>
/// Takes a batch in, group of lines by group of lines, each in a transaction of its own: a slow sender holds no lock. Nobody sees
/// the batch before <see cref="FinishAsync"/>, and one that is never finished goes when its lease has run out.
/// </summary>
public sealed class BatchIntake(NpgsqlDataSource dataSource, IOptions<BatchOptions> options, TimeProvider time)
{
    // Long, since a sender may be slow; every group renews it.
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);

    // One at a time for each tenant, so that the bound holds whoever else counts.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtext('inference.batches.' || $1))";

    private const string BeginSql = """
        INSERT INTO batches (id, tenant_id, key_id, key_name, role, state, total, completed, failed, attempt, lease_until, created_at,
                             deadline_at, is_emptied, trace_parent)
        SELECT $1, $2, $3, $4, $5, 'receiving', 0, 0, 0, 0, now() + $6, $7, $7 + $8, false, $10
        WHERE (SELECT count(*) FROM batches WHERE tenant_id = $2 AND state IN ('receiving', 'queued', 'running')) < $9
            AND (SELECT coalesce(sum(total), 0) FROM batches WHERE tenant_id = $2 AND NOT is_emptied) < $11
        """;

    private const string PendingSql =
        "SELECT count(*) FROM batches WHERE tenant_id = $1 AND state IN ('receiving', 'queued', 'running')";

    private const string ExtendSql = """
        UPDATE batches SET lease_until = now() + $2, total = total + $3, failed = failed + $4
        WHERE id = $1 AND state = 'receiving' AND lease_until >= now()
        """;

    private const string CopySql = """
        COPY batch_lines (batch_id, number, state, custom_id, model, version, request, error, error_status) FROM STDIN (FORMAT binary)
        """;

    // Nothing to run: it has ended.
    private const string FinishSql = """
        UPDATE batches SET lease_until = NULL,
            models = ARRAY(SELECT DISTINCT model FROM batch_lines WHERE batch_id = $1 AND model IS NOT NULL),
            state = CASE WHEN failed = total THEN 'completed' ELSE 'queued' END,
            finished_at = CASE WHEN failed = total THEN now() END,
            expires_at = CASE WHEN failed = total THEN now() + $2 END
        WHERE id = $1 AND state = 'receiving' AND lease_until >= now()
        """;

    private const string DiscardSql = """
        WITH gone AS (DELETE FROM batches WHERE id = $1 AND state = 'receiving' RETURNING id)
        DELETE FROM batch_lines USING gone WHERE batch_lines.batch_id = gone.id
        """;

    /// <summary>The id of a batch that may now arrive, or why the tenant may not have one more.</summary>
    public async Task<(Guid? Id, string? Refusal)> BeginAsync(BatchOwner owner, CancellationToken cancellationToken)
    {
        // Whole microseconds: what Postgres keeps of a time, so that it reads the same ever after.
        var now = time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var id = Guid.CreateVersion7(now);
        await using var batch = dataSource.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(LockSql) { Parameters = { new() { Value = owner.TenantId } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(BeginSql)
        {
            Parameters =
            {
                new() { Value = id },
                new() { Value = owner.TenantId },
                new() { Value = owner.KeyId },
                new() { Value = owner.KeyName },
                new() { Value = owner.Role },
                new() { Value = Lease },
                new() { Value = now },
                new() { Value = options.Value.Timeout },
                new() { Value = options.Value.MaxPendingPerTenant },
                new() { Value = (object?)Activity.Current?.Id ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar },
                new() { Value = (long)options.Value.MaxLinesPerTenant },
            },
        });
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return batch.BatchCommands[1].RecordsAffected == 1 ? (id, null) : (null, await WhyNotAsync(owner.TenantId, cancellationToken));
    }

    private async Task<string> WhyNotAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(PendingSql);
        command.Parameters.AddWithValue(tenant);
        var limits = options.Value;
        return (long)(await command.ExecuteScalarAsync(cancellationToken))! < limits.MaxPendingPerTenant
            ? $"the tenant '{tenant}' has {limits.MaxLinesPerTenant} lines or more in batches that are kept, as many as it may "
                + "(Batches:MaxLinesPerTenant): delete those that have ended"
            : $"the tenant '{tenant}' has {limits.MaxPendingPerTenant} batches that have not ended, as many as it may "
                + "(Batches:MaxPendingPerTenant): try again when one has";
    }

    /// <summary>Adds lines, all or none, and renews the lease; there may be none.</summary>
    /// <exception cref="BatchIntakeLostException">The batch was dropped.</exception>
    public async Task AddAsync(Guid id, IReadOnlyCollection<NewBatchLine> lines, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var extend = new NpgsqlCommand(ExtendSql, connection, transaction))
        {
            extend.Parameters.AddWithValue(id);
            extend.Parameters.AddWithValue(Lease);
            extend.Parameters.AddWithValue(lines.Count);
            extend.Parameters.AddWithValue(lines.Count(l => l.Error is not null));
            if (await extend.ExecuteNonQueryAsync(cancellationToken) != 1)
            {
                throw new BatchIntakeLostException();
            }
        }

        if (lines.Count > 0)
        {
            await CopyAsync(connection, id, lines, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Makes the batch one that is run.</summary>
    /// <param name="accept">In the same transaction, after it.</param>
    /// <exception cref="BatchIntakeLostException">The batch was dropped.</exception>
    public async Task FinishAsync(Guid id, Func<NpgsqlConnection, Task>? accept = null)
    {
        await using var connection = await dataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand(FinishSql, connection, transaction))
        {
            command.Parameters.AddWithValue(id);
            command.Parameters.AddWithValue(options.Value.Retention);
            if (await command.ExecuteNonQueryAsync() != 1)
            {
                throw new BatchIntakeLostException();
            }
        }

        if (accept is not null)
        {
            await accept(connection);
        }

        await transaction.CommitAsync();
    }

    /// <summary>Drops a batch whose sender left or that was refused.</summary>
    public async Task DiscardAsync(Guid id)
    {
        await using var command = dataSource.CreateCommand(DiscardSql);
        command.Parameters.AddWithValue(id);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task CopyAsync(
        NpgsqlConnection connection, Guid id, IReadOnlyCollection<NewBatchLine> lines, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(CopySql, cancellationToken);
        foreach (var line in lines)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(id, NpgsqlDbType.Uuid, cancellationToken);
            await copy.WriteAsync(line.Number, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(
                (short)(line.Error is null ? BatchLineState.Pending : BatchLineState.Failed), NpgsqlDbType.Smallint, cancellationToken);
            await copy.WriteAsync(line.CustomId, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(line.Model, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(line.Version, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(line.Request, NpgsqlDbType.Bytea, cancellationToken);
            await copy.WriteAsync(line.Error, NpgsqlDbType.Text, cancellationToken);
            await (line.ErrorStatus is { } status
                ? copy.WriteAsync(status, NpgsqlDbType.Smallint, cancellationToken)
                : copy.WriteNullAsync(cancellationToken));
        }

        await copy.CompleteAsync(cancellationToken);
    }
}
