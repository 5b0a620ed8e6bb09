using InferenceTemplate.Core.Queue;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Jobs;

/// <summary>A job on its way into the table.</summary>
/// <param name="Stored">The request that workers will see.</param>
/// <param name="IsOffered">Whether it is brought to its queue once it is committed; else that is the reconciler's.</param>
internal sealed record UnwrittenJob(NewJob Job, QueuedJob Stored, bool IsOffered)
{
    public InferenceRequest Request => Stored.Request;

    public byte[] Encoded => Stored.Encoded;
}

/// <summary>Writes a group of jobs in one transaction and one round trip.</summary>
internal sealed class JobInsert(NpgsqlDataSource dataSource)
{
    // Any conflict means that the row is there: of this very id, when a commit went through whose answer was lost and the group
    // is written again; or of the idempotency key, also when two of one group share it.
    private const string Insert = """
        INSERT INTO jobs (id, tenant_id, model, version, priority, state, attempt, max_attempts, request, request_id, progress,
                          created_at, queued_at, deadline_at, cancel_requested, batch_size, compute_microseconds,
                          idempotency_key, request_hash, trace_id, requested_model)
        SELECT id, tenant_id, model, version, priority, 'queued', 0, $12, request, request_id, 0,
               created_at, CASE WHEN offered THEN now() END, deadline_at, false, 0, 0, idempotency_key, request_hash, trace_id,
               requested_model
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $15)
            AS new (id, tenant_id, model, version, priority, request, request_id, created_at, deadline_at, idempotency_key, request_hash,
                offered, trace_id, requested_model)
        ON CONFLICT DO NOTHING
        """;

    private const string FindKeys = """
        SELECT jobs.tenant_id, jobs.idempotency_key, jobs.id, jobs.request_hash
        FROM unnest($1, $2) AS wanted (tenant_id, idempotency_key) JOIN jobs USING (tenant_id, idempotency_key)
        """;

    /// <summary>Writes all or none; the outcomes are in the order of the jobs.</summary>
    public async Task<JobAcceptance[]> WriteAsync(IReadOnlyList<UnwrittenJob> jobs, int maxAttempts, CancellationToken cancellationToken)
    {
        // Replicas that insert the same keys at once take their locks in one order.
        UnwrittenJob[] ordered =
            [.. jobs.OrderBy(j => j.Job.TenantId, StringComparer.Ordinal).ThenBy(j => j.Job.IdempotencyKey, StringComparer.Ordinal)];
        UnwrittenJob[] keyed = [.. ordered.Where(j => j.Job.IdempotencyKey is not null)];

        // The commands of a batch are one transaction unless they say otherwise.
        await using var batch = dataSource.CreateBatch();
        batch.BatchCommands.Add(InsertOf(ordered, maxAttempts));
        if (keyed.Length > 0)
        {
            batch.BatchCommands.Add(FindKeysOf(keyed));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var known = new Dictionary<(string, string), (Guid Id, byte[] Hash)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            known[(reader.GetString(0), reader.GetString(1))] = (reader.GetGuid(2), reader.GetFieldValue<byte[]>(3));
        }

        return [.. jobs.Select(job => OutcomeOf(job, known))];
    }

    /// <summary>What a job with this key came to before; null where there is no key, or none such.</summary>
    public async Task<JobAcceptance?> FindAsync(NewJob job, CancellationToken cancellationToken)
    {
        if (job.IdempotencyKey is null)
        {
            return null;
        }

        await using var command = dataSource.CreateCommand(FindKeys);
        command.Parameters.AddWithValue(new[] { job.TenantId });
        command.Parameters.AddWithValue(new[] { job.IdempotencyKey });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Found(job, reader.GetGuid(2), reader.GetFieldValue<byte[]>(3)) : null;
    }

    private static JobAcceptance Found(NewJob job, Guid id, byte[] hash) =>
        hash.AsSpan().SequenceEqual(job.RequestHash) ? new(JobAcceptanceOutcome.Replayed, id) : new(JobAcceptanceOutcome.KeyReused);

    private static JobAcceptance OutcomeOf(UnwrittenJob job, Dictionary<(string, string), (Guid Id, byte[] Hash)> known)
    {
        if (job.Job.IdempotencyKey is not { } key)
        {
            return new(JobAcceptanceOutcome.Accepted, job.Request.Id);
        }

        // Not there although it conflicted: it was forgotten in between, and a repetition will succeed.
        if (!known.TryGetValue((job.Job.TenantId, key), out var found))
        {
            return new(JobAcceptanceOutcome.Busy);
        }

        return found.Id == job.Request.Id ? new(JobAcceptanceOutcome.Accepted, found.Id) : Found(job.Job, found.Id, found.Hash);
    }

    private static NpgsqlBatchCommand InsertOf(UnwrittenJob[] jobs, int maxAttempts) => new(Insert)
    {
        Parameters =
        {
            Array(NpgsqlDbType.Uuid, jobs, j => j.Request.Id),
            Array(NpgsqlDbType.Text, jobs, j => j.Job.TenantId),
            Array(NpgsqlDbType.Text, jobs, j => j.Job.Model),
            Array(NpgsqlDbType.Text, jobs, j => j.Job.Version),
            Array(NpgsqlDbType.Smallint, jobs, j => (short)j.Job.Priority),
            Array(NpgsqlDbType.Bytea, jobs, j => j.Encoded),
            Array(NpgsqlDbType.Text, jobs, j => j.Job.RequestId),
            Array(NpgsqlDbType.TimestampTz, jobs, j => j.Request.EnqueuedAt),
            Array(NpgsqlDbType.TimestampTz, jobs, j => j.Request.Deadline),
            Array(NpgsqlDbType.Text, jobs, j => j.Job.IdempotencyKey),
            Array(NpgsqlDbType.Bytea, jobs, j => j.Job.RequestHash),
            new() { Value = maxAttempts },
            Array(NpgsqlDbType.Boolean, jobs, j => j.IsOffered),
            Array(NpgsqlDbType.Text, jobs, j => j.Request.TraceId),
            Array(NpgsqlDbType.Text, jobs, j => j.Job.RequestedModel),
        },
    };

    private static NpgsqlBatchCommand FindKeysOf(UnwrittenJob[] keyed) => new(FindKeys)
    {
        Parameters =
        {
            Array(NpgsqlDbType.Text, keyed, j => j.Job.TenantId),
            Array(NpgsqlDbType.Text, keyed, j => j.Job.IdempotencyKey),
        },
    };

    private static NpgsqlParameter Array<T>(NpgsqlDbType type, UnwrittenJob[] jobs, Func<UnwrittenJob, T> value) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = System.Array.ConvertAll(jobs, j => value(j)) };
}
