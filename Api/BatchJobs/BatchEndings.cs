using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>What callers do to their batches: cancel them, and remove them when they have ended.</summary>
public sealed class BatchEndings(NpgsqlDataSource dataSource, IOptions<BatchOptions> options, JobSignals signals)
{
    // At once, also while it runs: the replica that runs it finds its fence closed, and what it has in flight is not written.
    private const string CancelSql = """
        UPDATE batches SET state = 'cancelled', lease_until = NULL, finished_at = now(), expires_at = now() + $3
        WHERE id = $1 AND tenant_id = $2 AND state IN ('queued', 'running')
        """;

    private const string DeleteSql = """
        WITH gone AS (
            DELETE FROM batches WHERE id = $1 AND tenant_id = $2 AND state IN ('completed', 'cancelled', 'expired') RETURNING id),
        lines AS (DELETE FROM batch_lines USING gone WHERE batch_lines.batch_id = gone.id)
        SELECT count(*) FROM gone
        """;

    /// <summary>A batch that has ended, or that the tenant does not have, is left as it is.</summary>
    public async Task CancelAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(CancelSql);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(options.Value.Retention);
        if (await command.ExecuteNonQueryAsync(cancellationToken) > 0)
        {
            signals.Changed([id]);
        }
    }

    /// <summary>Removes a batch that has ended and all its lines; false where there is none.</summary>
    public async Task<bool> DeleteAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(DeleteSql);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        return await command.ExecuteScalarAsync(cancellationToken) is 1L;
    }
}
