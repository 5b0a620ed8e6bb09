using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// Ends batches whose time is over and removes what nobody may ask for any more. Every replica does it: what two do at once, one of
/// them finds done.
/// </summary>
public sealed class BatchSweep(NpgsqlDataSource dataSource, IOptions<BatchOptions> options, JobSignals signals)
{
    // More in one statement would hold its locks for long.
    private const int MaxLines = 10_000;

    private const string ExpireSql = """
        UPDATE batches SET state = 'expired', lease_until = NULL, finished_at = now(), expires_at = now() + $1
        WHERE state IN ('queued', 'running') AND deadline_at < now()
        RETURNING id
        """;

    // Also of batches whose sender was lost before they were complete: nobody renews a lease that has run out.
    private const string DropLinesSql = """
        DELETE FROM batch_lines WHERE (batch_id, number) IN (
            SELECT batch_id, number FROM batch_lines JOIN batches ON batches.id = batch_id
            WHERE expires_at < now() AND NOT is_emptied OR batches.state = 'receiving' AND lease_until < now()
            LIMIT $1 FOR UPDATE OF batch_lines SKIP LOCKED)
        """;

    private const string EmptiedSql = """
        UPDATE batches SET is_emptied = true
        WHERE expires_at < now() AND NOT is_emptied AND NOT EXISTS (SELECT FROM batch_lines WHERE batch_id = batches.id)
        """;

    private const string ForgetSql = """
        DELETE FROM batches WHERE is_emptied AND expires_at < now() - $1::interval
            OR state = 'receiving' AND lease_until < now() AND NOT EXISTS (SELECT FROM batch_lines WHERE batch_id = batches.id)
        """;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        signals.Changed(await ExpireAsync(cancellationToken));
        await ExecuteAsync(DropLinesSql, MaxLines, cancellationToken);
        await ExecuteAsync(EmptiedSql, null, cancellationToken);
        await ExecuteAsync(ForgetSql, options.Value.Retention, cancellationToken);
    }

    private async Task<List<Guid>> ExpireAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ExpireSql);
        command.Parameters.AddWithValue(options.Value.Retention);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var expired = new List<Guid>();
        while (await reader.ReadAsync(cancellationToken))
        {
            expired.Add(reader.GetGuid(0));
        }

        return expired;
    }

    private async Task ExecuteAsync(string sql, object? value, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        if (value is not null)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
