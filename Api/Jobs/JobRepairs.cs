using System.Collections.Immutable;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>A job that the reconciler moved.</summary>
internal sealed record MovedJob(Guid Id, string Model, string Version, JobState State);

/// <param name="MayBeThere">Whether it was put into its queue since Redis' data began.</param>
internal sealed record MissingJob(QueuedJob Job, bool MayBeThere);

/// <summary>
/// What becomes of jobs that nobody looks after. Each statement takes a bounded number, and passes over rows that somebody has
/// locked: those are being looked after.
/// </summary>
internal sealed class JobRepairs(NpgsqlDataSource dataSource, IOptions<JobOptions> options)
{
    private const int MaxRows = 1_000;
    private const int MaxRequeueRows = 100;
    private const int MaxRequeueBytes = 16 << 20;

    private const string EndLostSql = """
        WITH lost AS MATERIALIZED (
            SELECT id FROM jobs WHERE state = 'running' AND lease_until < now()
            ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE jobs SET
            state = CASE WHEN cancel_requested THEN 'cancelled' WHEN attempt >= max_attempts THEN 'dead_lettered' ELSE 'queued' END,
            error = CASE WHEN NOT cancel_requested AND attempt >= max_attempts THEN
                'each of ' || attempt || ' attempts ended with its worker, the last on ' || worker END,
            error_status = CASE WHEN NOT cancel_requested AND attempt >= max_attempts THEN 500 END,
            finished_at = CASE WHEN cancel_requested OR attempt >= max_attempts THEN now() END,
            expires_at = CASE WHEN cancel_requested OR attempt >= max_attempts THEN now() + $2 END,
            lease_until = NULL, queued_at = NULL
        FROM lost WHERE jobs.id = lost.id
        RETURNING jobs.id, jobs.model, jobs.version, jobs.state
        """;

    private const string EndLateSql = """
        WITH late AS MATERIALIZED (
            SELECT id FROM jobs WHERE state = 'queued' AND deadline_at <= now()
            ORDER BY deadline_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE jobs SET state = 'failed', error = 'the deadline passed before the job could run', error_status = 504,
            queued_at = NULL, finished_at = now(), expires_at = now() + $2
        FROM late WHERE jobs.id = late.id
        RETURNING jobs.id, jobs.model, jobs.version, jobs.state
        """;

    private const string EndGoneSql = """
        WITH gone AS MATERIALIZED (
            SELECT id FROM jobs WHERE state = 'queued' AND EXISTS (
                SELECT FROM model_versions v
                WHERE v.model = jobs.model AND v.version = jobs.version AND v.deleted_at IS NOT NULL)
            LIMIT $1 FOR UPDATE OF jobs SKIP LOCKED)
        UPDATE jobs SET state = 'failed', error_status = 404,
            error = 'version ' || version || ' of ''' || model || ''' was deleted before the job could run',
            queued_at = NULL, finished_at = now(), expires_at = now() + $2
        FROM gone WHERE jobs.id = gone.id
        RETURNING jobs.id, jobs.model, jobs.version, jobs.state
        """;

    private const string DropResultsSql = """
        WITH expired AS MATERIALIZED (
            SELECT id FROM jobs WHERE outputs IS NOT NULL AND expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE jobs SET outputs = NULL FROM expired WHERE jobs.id = expired.id
        """;

    private const string DropRequestsSql = """
        WITH expired AS MATERIALIZED (
            SELECT id FROM jobs WHERE request IS NOT NULL AND finished_at IS NOT NULL AND expires_at <= now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE jobs SET request = NULL FROM expired WHERE jobs.id = expired.id
        """;

    private const string ForgetSql = """
        WITH forgotten AS MATERIALIZED (
            SELECT id FROM jobs WHERE finished_at IS NOT NULL AND expires_at <= now() - $2 ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        DELETE FROM jobs USING forgotten WHERE jobs.id = forgotten.id
        """;

    private const string MissingSql = """
        SELECT id, request, coalesce(queued_at >= $1, false) FROM (
            SELECT id, request, queued_at, row_number() OVER oldest AS number, sum(octet_length(request)) OVER oldest AS bytes
            FROM (SELECT id, request, queued_at FROM jobs
                  WHERE state = 'queued' AND (queued_at IS NULL OR queued_at < greatest($1, now() - $2)) AND deadline_at > now()
                      AND model || '/' || version <> ALL ($3)
                  ORDER BY queued_at NULLS FIRST LIMIT $4) AS candidates
            WINDOW oldest AS (ORDER BY queued_at NULLS FIRST, id)) AS missing
        WHERE bytes <= $5 OR number = 1
        """;

    private const string EndUnreadableSql = """
        WITH unreadable AS MATERIALIZED (SELECT id FROM jobs WHERE id = ANY ($1) AND state = 'queued' ORDER BY id FOR UPDATE)
        UPDATE jobs SET state = 'failed', error = 'the stored request can''t be read by this version of the platform', error_status = 500,
            queued_at = NULL, finished_at = now(), expires_at = now() + $2
        FROM unreadable WHERE jobs.id = unreadable.id
        """;

    private const string RequeuedSql = """
        WITH requeued AS MATERIALIZED (SELECT id FROM jobs WHERE id = ANY ($1) AND state = 'queued' ORDER BY id FOR UPDATE)
        UPDATE jobs SET queued_at = now() FROM requeued WHERE jobs.id = requeued.id
        """;

    /// <summary>Jobs whose workers fell silent: queued again, dead-lettered after their last attempt, or cancelled.</summary>
    public Task<List<MovedJob>> EndLostAsync(CancellationToken cancellationToken) => MoveAsync(EndLostSql, cancellationToken);

    /// <summary>Jobs that nobody began in time.</summary>
    public Task<List<MovedJob>> EndLateAsync(CancellationToken cancellationToken) => MoveAsync(EndLateSql, cancellationToken);

    /// <summary>Jobs whose version was deleted. Their entries are nobody's any more.</summary>
    public Task<List<MovedJob>> EndGoneAsync(CancellationToken cancellationToken) => MoveAsync(EndGoneSql, cancellationToken);

    /// <summary>Drops results and requests after their retention, and as long afterwards what is known of the jobs.</summary>
    public async Task ExpireAsync(CancellationToken cancellationToken)
    {
        await using var drop = Command(DropResultsSql, MaxRows);
        await drop.ExecuteNonQueryAsync(cancellationToken);
        await using var dropRequests = Command(DropRequestsSql, MaxRows);
        await dropRequests.ExecuteNonQueryAsync(cancellationToken);
        await using var forget = Command(ForgetSql, MaxRows, options.Value.Retention);
        await forget.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Some jobs that are not in Redis: never were, or were there before its data began; and those that have been for so long that they may
    /// have been lost.
    /// </summary>
    public async Task<List<MissingJob>> MissingAsync(
        DateTimeOffset epoch, IReadOnlyCollection<string> exceptModels, int limit, CancellationToken cancellationToken)
    {
        await using var command = Command(
            MissingSql, epoch, options.Value.RequeueAfter, exceptModels.ToArray(), Math.Min(limit, MaxRequeueRows), MaxRequeueBytes);
        var jobs = new List<MissingJob>();
        var unreadable = new List<Guid>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                try
                {
                    var encoded = reader.GetFieldValue<byte[]>(1);
                    jobs.Add(new(new QueuedJob(RequestCodec.Decode(encoded), encoded), reader.GetBoolean(2)));
                }
                catch (InvalidDataException)
                {
                    unreadable.Add(reader.GetGuid(0));
                }
            }
        }

        if (unreadable.Count > 0)
        {
            await using var end = Command(EndUnreadableSql, unreadable.ToArray(), options.Value.Retention);
            await end.ExecuteNonQueryAsync(cancellationToken);
        }

        return jobs;
    }

    public async Task RequeuedAsync(IEnumerable<Guid> ids, CancellationToken cancellationToken)
    {
        await using var command = Command(RequeuedSql, ids.ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<ImmutableArray<PendingCount>> CountPendingAsync(CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT model, version, state, count(*) FROM jobs WHERE state IN ('queued', 'running') GROUP BY model, version, state");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var counts = ImmutableArray.CreateBuilder<PendingCount>();
        while (await reader.ReadAsync(cancellationToken))
        {
            counts.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3)));
        }

        return counts.ToImmutable();
    }

    private async Task<List<MovedJob>> MoveAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Command(sql, MaxRows, options.Value.Retention);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var moved = new List<MovedJob>();
        while (await reader.ReadAsync(cancellationToken))
        {
            moved.Add(new(reader.GetGuid(0), reader.GetString(1), reader.GetString(2), JobStates.Parse(reader.GetString(3))));
        }

        return moved;
    }

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var command = dataSource.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return command;
    }
}
