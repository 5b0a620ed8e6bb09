using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Data.Jobs;

/// <summary>One worker's hold on one job: valid as long as the row still has this attempt and runs.</summary>
public sealed record JobLease(Guid Id, int Attempt);

/// <summary>What an entry of the queue says of its job.</summary>
public sealed record JobEntry(Guid Id, DateTimeOffset Deadline)
{
    public static JobEntry Of(InferenceRequest request) => new(request.Id, request.Deadline);
}

/// <summary>How an attempt ended.</summary>
/// <param name="State">Succeeded or failed; where cancelling was asked for, the row becomes cancelled instead.</param>
/// <param name="Outputs">The answer as the queue's codec writes it; null unless succeeded.</param>
public sealed record JobOutcome(
    JobLease Lease, JobState State, byte[]? Outputs, string? Error, short? ErrorStatus, int BatchSize, TimeSpan ComputeTime)
{
    /// <summary>Its share of the run.</summary>
    public UsedDevice Used { get; init; }
}

/// <summary>
/// A worker's writes to jobs. All are fenced by attempt and state, take row locks in the order of ids, and measure time by
/// Postgres's clock alone.
/// </summary>
public sealed class JobLeases(NpgsqlDataSource dataSource, IOptions<JobOptions> options)
{
    /// <summary>Of one job's answer. Postgres takes and gives no value of 1 GiB, and holds several copies of one on the way.</summary>
    public const int MaxOutputBytes = 512 << 20;

    // A job with a later deadline than its entry was retried since, and has another entry; a message and a row keep times in different
    // precision.
    private const string ClaimSql = """
        WITH claimable AS MATERIALIZED (
            SELECT id FROM jobs
            WHERE id = ANY ($1) AND (state = 'queued' OR state = 'running' AND lease_until < now())
                AND NOT cancel_requested AND attempt < max_attempts AND deadline_at > now()
                AND EXISTS (
                    SELECT FROM unnest($1, $4) AS entry (id, deadline)
                    WHERE entry.id = jobs.id AND jobs.deadline_at <= entry.deadline + interval '1 millisecond')
            ORDER BY id FOR UPDATE)
        UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $2, started_at = now(), lease_until = now() + $3
        FROM claimable WHERE jobs.id = claimable.id
        RETURNING jobs.id, jobs.attempt
        """;

    private const string ExtendSql = """
        WITH held AS MATERIALIZED (
            SELECT jobs.id FROM unnest($1, $2) AS mine (id, attempt) JOIN jobs USING (id, attempt)
            WHERE state = 'running' ORDER BY jobs.id FOR UPDATE OF jobs)
        UPDATE jobs SET lease_until = now() + $3 FROM held WHERE jobs.id = held.id
        RETURNING jobs.id, jobs.cancel_requested
        """;

    // What it used is recorded in the same transaction, and added up elsewhere: workers that end jobs at once do not wait for one row. A
    // job that is retried ends, and is paid, more than once.
    private const string FinishSql = """
        WITH outcome AS MATERIALIZED (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $10, $11, $12, $13)
                AS given (id, attempt, state, outputs, error, error_status, batch_size, compute_microseconds, device_microseconds, cost,
                    prompt_tokens, completion_tokens)),
        held AS MATERIALIZED (
            SELECT jobs.id, jobs.attempt FROM outcome JOIN jobs USING (id, attempt)
            WHERE jobs.state = 'running' ORDER BY jobs.id FOR UPDATE OF jobs),
        ended AS (UPDATE jobs SET
            state = CASE WHEN cancel_requested THEN 'cancelled' ELSE outcome.state END,
            outputs = CASE WHEN cancel_requested THEN NULL ELSE outcome.outputs END,
            error = CASE WHEN cancel_requested THEN NULL ELSE outcome.error END,
            error_status = CASE WHEN cancel_requested THEN NULL ELSE outcome.error_status END,
            progress = CASE WHEN outcome.state = 'succeeded' AND NOT cancel_requested THEN 1 ELSE progress END,
            batch_size = outcome.batch_size, compute_microseconds = outcome.compute_microseconds, cost = outcome.cost,
            request = CASE WHEN outcome.state = 'succeeded' AND NOT cancel_requested THEN NULL ELSE request END,
            lease_until = NULL, finished_at = now(), expires_at = now() + $9
        FROM outcome JOIN held USING (id, attempt) WHERE jobs.id = outcome.id
        RETURNING jobs.id, jobs.attempt, jobs.state, jobs.tenant_id, jobs.model, jobs.version, jobs.batch_size,
            outcome.device_microseconds, jobs.cost, outcome.prompt_tokens, outcome.completion_tokens),
        used AS (
            INSERT INTO usage_entries (id, tenant_id, model, version, hour, requests, failures, cached, jobs, device_microseconds, cost,
                prompt_tokens, completion_tokens)
            SELECT md5(id || '/' || attempt)::uuid, tenant_id, model, version, date_trunc('hour', now(), 'UTC'), 1,
                (state <> 'succeeded')::int, 0, 1, device_microseconds, cost, prompt_tokens, completion_tokens
            FROM ended WHERE state <> 'cancelled' OR batch_size > 0
            ON CONFLICT DO NOTHING)
        SELECT id, state FROM ended
        """;

    // Attempts only grow, since they are the fence: an attempt that nobody is to blame for raises the bound instead. Its entry stays in
    // the queue, with its deliveries and the wait before the next: a second one would know of neither.
    private const string ReturnHeldSql = """
        UPDATE jobs SET
            state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
            finished_at = CASE WHEN cancel_requested THEN now() END,
            expires_at = CASE WHEN cancel_requested THEN now() + $3 END,
            queued_at = now(), lease_until = NULL, max_attempts = max_attempts + 1
        FROM held WHERE jobs.id = held.id
        """;

    private const string ReturnSql = $"""
        WITH held AS MATERIALIZED (
            SELECT jobs.id FROM unnest($1, $2) AS mine (id, attempt) JOIN jobs USING (id, attempt)
            WHERE state = 'running' ORDER BY jobs.id FOR UPDATE OF jobs)
        {ReturnHeldSql}
        """;

    private const string ReturnUnknownSql = $"""
        WITH held AS MATERIALIZED (
            SELECT id FROM jobs WHERE id = ANY ($1) AND worker = $2 AND state = 'running' ORDER BY id FOR UPDATE)
        {ReturnHeldSql}
        """;

    /// <summary>Takes those jobs that are free; of the others (finished, cancelled, held, unknown, too late) nothing is said.</summary>
    public async Task<IReadOnlyList<JobLease>> ClaimAsync(
        IReadOnlyCollection<JobEntry> entries, string worker, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ClaimSql);
        AddArray(command, NpgsqlDbType.Uuid, entries.Select(e => e.Id));
        command.Parameters.AddWithValue(worker);
        command.Parameters.AddWithValue(options.Value.Lease);
        AddArray(command, NpgsqlDbType.TimestampTz, entries.Select(e => e.Deadline));
        return await ReadAsync(command, reader => new JobLease(reader.GetGuid(0), reader.GetInt32(1)), cancellationToken);
    }

    /// <summary>Renews leases. What does not come back is lost; what comes back true is to be cancelled.</summary>
    public async Task<IReadOnlyDictionary<Guid, bool>> ExtendAsync(
        IReadOnlyCollection<JobLease> leases, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ExtendSql);
        AddLeases(command, leases);
        command.Parameters.AddWithValue(options.Value.Lease);
        var held = await ReadAsync(command, reader => (Id: reader.GetGuid(0), Cancel: reader.GetBoolean(1)), cancellationToken);
        return held.ToDictionary(row => row.Id, row => row.Cancel);
    }

    /// <summary>Ends attempts, all or none, and says which state each job took; a lease that was lost is left out.</summary>
    public async Task<IReadOnlyDictionary<Guid, JobState>> FinishAsync(
        IReadOnlyCollection<JobOutcome> outcomes, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(FinishSql);
        AddLeases(command, [.. outcomes.Select(o => o.Lease)]);
        AddArray(command, NpgsqlDbType.Text, outcomes.Select(o => o.State.Name()));
        AddArray(command, NpgsqlDbType.Bytea, outcomes.Select(o => o.Outputs));

        // Postgres takes no zero characters in text, and a model's message may hold anything.
        AddArray(command, NpgsqlDbType.Text, outcomes.Select(o => o.Error?.Replace("\0", "", StringComparison.Ordinal)));
        AddArray(command, NpgsqlDbType.Smallint, outcomes.Select(o => o.ErrorStatus));
        AddArray(command, NpgsqlDbType.Integer, outcomes.Select(o => o.BatchSize));
        AddArray(command, NpgsqlDbType.Bigint, outcomes.Select(o => (long)o.ComputeTime.TotalMicroseconds));
        command.Parameters.AddWithValue(options.Value.Retention);
        AddArray(command, NpgsqlDbType.Bigint, outcomes.Select(o => o.Used.DeviceMicroseconds));
        AddArray(command, NpgsqlDbType.Numeric, outcomes.Select(o => o.Used.Cost));
        AddArray(command, NpgsqlDbType.Bigint, outcomes.Select(o => o.Used.Tokens.Prompt));
        AddArray(command, NpgsqlDbType.Bigint, outcomes.Select(o => o.Used.Tokens.Completion));
        var ended = await ReadAsync(
            command, reader => (Id: reader.GetGuid(0), State: JobStates.Parse(reader.GetString(1))), cancellationToken);
        return ended.ToDictionary(row => row.Id, row => row.State);
    }

    /// <summary>Gives jobs back that were claimed and not run, such as at a worker's stop; the attempt does not count.</summary>
    public async Task ReturnAsync(IReadOnlyCollection<JobLease> leases, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ReturnSql);
        AddLeases(command, leases);
        command.Parameters.AddWithValue(options.Value.Retention);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Gives those jobs back that are a worker's without its knowing: their claim was committed, and its answer lost. The attempt does not
    /// count.
    /// </summary>
    public async Task ReturnUnknownAsync(IReadOnlyCollection<Guid> jobs, string worker, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(ReturnUnknownSql);
        AddArray(command, NpgsqlDbType.Uuid, jobs);
        command.Parameters.AddWithValue(worker);
        command.Parameters.AddWithValue(options.Value.Retention);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void AddLeases(NpgsqlCommand command, IReadOnlyCollection<JobLease> leases)
    {
        AddArray(command, NpgsqlDbType.Uuid, leases.Select(l => l.Id));
        AddArray(command, NpgsqlDbType.Integer, leases.Select(l => l.Attempt));
    }

    private static void AddArray<T>(NpgsqlCommand command, NpgsqlDbType type, IEnumerable<T> values) =>
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = values.ToArray() });

    private static async Task<List<T>> ReadAsync<T>(
        NpgsqlCommand command, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(row(reader));
        }

        return rows;
    }
}
