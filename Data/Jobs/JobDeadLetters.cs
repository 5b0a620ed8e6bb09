using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Data.Jobs;

/// <summary>The jobs behind dead letters: what the queue gives up, and what an operator wants tried once more.</summary>
public sealed class JobDeadLetters(NpgsqlDataSource dataSource, IOptions<JobOptions> options, JobSignals signals, JobTelemetry telemetry)
{
    // A job that a worker holds is that worker's to end, whatever becomes of this entry. One with a later deadline was retried since, and
    // has another entry; a message and a row keep times in different precision.
    private const string EndSql = """
        UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'dead_lettered' END,
            error = CASE WHEN cancel_requested THEN NULL ELSE $2 END, error_status = CASE WHEN cancel_requested THEN NULL ELSE 500 END,
            queued_at = NULL, lease_until = NULL, finished_at = now(), expires_at = now() + $3
        WHERE id = $1 AND (state = 'queued' OR state = 'running' AND lease_until < now()) AND deadline_at <= $4 + interval '1 millisecond'
        RETURNING model, version, state
        """;

    // Attempts only grow, since they are the fence: the bound is raised instead.
    private const string RequeueSql = """
        UPDATE jobs SET state = 'queued', max_attempts = attempt + $2, queued_at = NULL,
            error = NULL, error_status = NULL, finished_at = NULL, expires_at = NULL
        WHERE id = $1 AND state = 'dead_lettered' AND request IS NOT NULL AND deadline_at > now()
        RETURNING model, version, state
        """;

    /// <summary>Ends a job that the queue delivers no more.</summary>
    /// <param name="entry">What was delivered.</param>
    public Task<bool> EndAsync(InferenceRequest entry, string reason, CancellationToken cancellationToken = default) => ChangeAsync(
        EndSql, [entry.Id, reason.Replace("\0", "", StringComparison.Ordinal), options.Value.Retention, entry.Deadline], entry.Id,
        cancellationToken);

    /// <summary>
    /// Makes a dead-lettered job queued again, for the reconciler to bring to its queue. False where it is not dead-lettered, or its
    /// deadline has passed.
    /// </summary>
    public Task<bool> RequeueAsync(Guid id, CancellationToken cancellationToken = default) =>
        ChangeAsync(RequeueSql, [id, options.Value.MaxAttempts], id, cancellationToken);

    private async Task<bool> ChangeAsync(string sql, object[] values, Guid id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return false;
        }

        var state = JobStates.Parse(reader.GetString(2));
        signals.Changed([id]);
        if (state.IsTerminal())
        {
            telemetry.Finished(reader.GetString(0), reader.GetString(1), state);
        }

        return true;
    }
}
