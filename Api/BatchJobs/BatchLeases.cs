using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>One replica's hold on one batch: valid as long as the row still has this attempt and runs.</summary>
/// <param name="TraceParent">W3C trace context of the request that sent the batch; null for one of an older release.</param>
public sealed record BatchLease(Guid Id, int Attempt, BatchOwner Owner, string? TraceParent = null);

/// <summary>The writes of whoever runs batches. All are fenced by attempt and state, and measure time by Postgres's clock alone.</summary>
public sealed class BatchLeases(NpgsqlDataSource dataSource, IOptions<BatchOptions> options)
{
    // Tenants take turns: the one with the fewest running goes first. Then whoever was not tried lately: what gets nowhere blocks nobody.
    private const string ClaimSql = """
        UPDATE batches SET state = 'running', attempt = attempt + 1, lease_until = now() + $1, started_at = coalesce(started_at, now())
        WHERE id = (
            SELECT id FROM batches AS next
            WHERE (state = 'queued' OR state = 'running' AND lease_until < now()) AND deadline_at > now()
            ORDER BY (SELECT count(*) FROM batches AS other
                      WHERE other.tenant_id = next.tenant_id AND other.state = 'running' AND other.lease_until >= now()),
                yielded_at NULLS FIRST, id
            LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, attempt, tenant_id, key_id, key_name, role, trace_parent
        """;

    private const string ExtendSql = """
        UPDATE batches SET lease_until = now() + $3 WHERE id = $1 AND attempt = $2 AND state = 'running' AND deadline_at > now()
        """;

    private const string PendingSql = """
        SELECT number, model, version, request FROM batch_lines WHERE batch_id = $1 AND number > $2 AND state = 0 ORDER BY number LIMIT $3
        """;

    // A line ends once, whoever says so twice, and the counts with it.
    private const string RecordSql = """
        WITH held AS MATERIALIZED (
            SELECT id FROM batches WHERE id = $1 AND attempt = $2 AND state = 'running' FOR UPDATE),
        recorded AS (
            UPDATE batch_lines SET state = CASE WHEN given.result IS NULL THEN 2 ELSE 1 END, request = NULL,
                result = given.result, error = given.error, error_status = given.error_status
            FROM unnest($3, $4, $5, $6) AS given (number, result, error, error_status), held
            WHERE batch_lines.batch_id = held.id AND batch_lines.number = given.number AND batch_lines.state = 0
            RETURNING batch_lines.state)
        UPDATE batches SET lease_until = now() + $7,
            completed = completed + (SELECT count(*) FROM recorded WHERE state = 1),
            failed = failed + (SELECT count(*) FROM recorded WHERE state = 2)
        FROM held WHERE batches.id = held.id
        """;

    private const string CompleteSql = """
        UPDATE batches SET state = 'completed', lease_until = NULL, finished_at = now(), expires_at = now() + $3
        WHERE id = $1 AND attempt = $2 AND state = 'running' AND completed + failed = total
        """;

    private const string ReleaseSql = """
        UPDATE batches SET state = 'queued', lease_until = NULL, yielded_at = now() WHERE id = $1 AND attempt = $2 AND state = 'running'
        """;

    /// <summary>Takes the next batch that waits, or whose replica fell silent; null where there is none.</summary>
    public async Task<BatchLease?> ClaimAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ClaimSql);
        command.Parameters.AddWithValue(options.Value.Lease);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new(reader.GetGuid(0), reader.GetInt32(1),
                new(reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetString(5)),
                reader.GetValue(6) as string)
            : null;
    }

    public Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken) => dataSource.NowAsync(cancellationToken);

    /// <summary>Renews a lease; false where it was lost, or the batch has ended meanwhile.</summary>
    public async Task<bool> ExtendAsync(BatchLease lease, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ExtendSql);
        command.Parameters.AddWithValue(lease.Id);
        command.Parameters.AddWithValue(lease.Attempt);
        command.Parameters.AddWithValue(options.Value.Lease);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Lines that have not ended, those after a number.</summary>
    public async Task<IReadOnlyList<PendingBatchLine>> PendingAsync(
        BatchLease lease, int after, int count, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(PendingSql);
        command.Parameters.AddWithValue(lease.Id);
        command.Parameters.AddWithValue(after);
        command.Parameters.AddWithValue(count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var lines = new List<PendingBatchLine>();
        while (await reader.ReadAsync(cancellationToken))
        {
            lines.Add(new(reader.GetInt32(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3)));
        }

        return lines;
    }

    /// <summary>Writes how lines ended, all or none, and renews the lease; false where that was lost.</summary>
    public Task<bool> RecordAsync(BatchLease lease, IReadOnlyCollection<EndedBatchLine> lines, CancellationToken cancellationToken) =>
        ChangeAsync(
            RecordSql,
            lease,
            [
                Array(NpgsqlDbType.Integer, lines.Select(l => l.Number)),
                Array(NpgsqlDbType.Bytea, lines.Select(l => l.Result)),

                // Postgres takes no zero characters in text, and a model's message may hold anything.
                Array(NpgsqlDbType.Text, lines.Select(l => l.Error?.Replace("\0", "", StringComparison.Ordinal))),
                Array(NpgsqlDbType.Smallint, lines.Select(l => l.ErrorStatus)),
                new() { Value = options.Value.Lease },
            ],
            cancellationToken);

    /// <summary>Ends a batch all of whose lines have ended; false where some have not, or the lease was lost.</summary>
    public Task<bool> CompleteAsync(BatchLease lease, CancellationToken cancellationToken) =>
        ChangeAsync(CompleteSql, lease, [new() { Value = options.Value.Retention }], cancellationToken);

    /// <summary>Gives a batch back, at a replica's stop or because it gets nowhere.</summary>
    public Task<bool> ReleaseAsync(BatchLease lease, CancellationToken cancellationToken) =>
        ChangeAsync(ReleaseSql, lease, [], cancellationToken);

    private async Task<bool> ChangeAsync(string sql, BatchLease lease, NpgsqlParameter[] values, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddWithValue(lease.Id);
        command.Parameters.AddWithValue(lease.Attempt);
        command.Parameters.AddRange(values);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    private static NpgsqlParameter Array<T>(NpgsqlDbType type, IEnumerable<T> values) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = values.ToArray() };
}
