using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// Cancels jobs: one that waits at once; one that runs when its worker ends the attempt, whatever came of it, or loses its lease.
/// </summary>
public sealed class JobCancellation(NpgsqlDataSource dataSource, IOptions<JobOptions> options, JobSignals signals, JobTelemetry telemetry)
{
    private const string Sql = """
        UPDATE jobs SET cancel_requested = true,
            state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
            finished_at = CASE state WHEN 'queued' THEN now() END,
            expires_at = CASE state WHEN 'queued' THEN now() + $3 END
        WHERE id = $1 AND tenant_id = $2 AND state IN ('queued', 'running')
        RETURNING model, version, state
        """;

    /// <summary>Asks for it; a job that has ended, or that the tenant does not have, is left as it is.</summary>
    public async Task CancelAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Sql);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(options.Value.Retention);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (await reader.ReadAsync(cancellationToken))
        {
            signals.Changed([id]);
            if (JobStates.Parse(reader.GetString(2)) is JobState.Cancelled)
            {
                telemetry.Finished(reader.GetString(0), reader.GetString(1), JobState.Cancelled);
            }
        }
    }
}
