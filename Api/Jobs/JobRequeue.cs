using System.Diagnostics;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// Makes a job that ended without a result queued again. Of several that try it at once one succeeds: the row is locked, and the others
/// find it queued. An attempt from before is fenced as ever, since attempts only grow.
/// </summary>
public sealed class JobRequeue(
    NpgsqlDataSource dataSource, JobDispatcher dispatcher, JobSignals signals, IOptions<JobOptions> options, TimeProvider time)
{
    private const string FindSql = """
        SELECT request FROM jobs
        WHERE id = $1 AND tenant_id = $2 AND state IN ('failed', 'cancelled', 'dead_lettered') AND request IS NOT NULL FOR UPDATE
        """;

    private const string QueueSql = """
        UPDATE jobs SET state = 'queued', max_attempts = attempt + $2, request = $3, priority = $4, deadline_at = $5, queued_at = now(),
            trace_id = $6,
            error = NULL, error_status = NULL, outputs = NULL, progress = 0, cost = 0, batch_size = 0, compute_microseconds = 0,
            cancel_requested = false, worker = NULL, started_at = NULL, finished_at = NULL, expires_at = NULL, lease_until = NULL
        WHERE id = $1
        """;

    public static bool MayBeRetried(JobState state) => state is JobState.Failed or JobState.Cancelled or JobState.DeadLettered;

    /// <summary>What is said of a job in another state.</summary>
    public static string WhyNot(JobState state) =>
        $"the job is {state.Name()}: only one that is failed, cancelled or dead_lettered can be retried";

    /// <returns>False where the tenant has no such job, it is in another state, or its request is gone.</returns>
    public async Task<bool> TryAsync(string tenant, Guid id, Priority priority, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        byte[]? stored;
        await using (var find = new NpgsqlCommand(FindSql, connection, transaction))
        {
            find.Parameters.AddWithValue(id);
            find.Parameters.AddWithValue(tenant);
            stored = (byte[]?)await find.ExecuteScalarAsync(cancellationToken);
        }

        if (stored is null || Read(stored) is not { } old)
        {
            return false;
        }

        // Whole microseconds: what Postgres keeps of a time.
        var now = time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var request = old with
        {
            EnqueuedAt = now,
            Deadline = now + (old.Deadline - old.EnqueuedAt),
            Priority = priority,
            EarlierDeliveries = 0,
            TraceParent = Activity.Current?.Id,
            TraceState = Activity.Current?.TraceStateString,
        };
        var encoded = RequestCodec.Encode(request);
        await using (var queue = new NpgsqlCommand(QueueSql, connection, transaction))
        {
            queue.Parameters.AddWithValue(id);
            queue.Parameters.AddWithValue(options.Value.MaxAttempts);
            queue.Parameters.AddWithValue(encoded);
            queue.Parameters.AddWithValue((short)priority);
            queue.Parameters.AddWithValue(request.Deadline);
            queue.Parameters.AddWithValue(NpgsqlDbType.Varchar, (object?)request.TraceId ?? DBNull.Value);
            await queue.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        signals.Changed([id]);
        dispatcher.Offer(new QueuedJob(request, encoded));
        return true;
    }

    private static InferenceRequest? Read(byte[] stored)
    {
        try
        {
            return RequestCodec.Decode(stored);
        }
        catch (InvalidDataException)
        {
            // Of another version of the platform: it can't be run any more.
            return null;
        }
    }
}
