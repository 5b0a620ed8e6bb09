using InferenceTemplate.Api.Audit;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Storage;

/// <summary>Something of a tenant in every table that a request, a job or an administrator writes to.</summary>
internal static class TenantData
{
    public const string Secret = "the secret's hash, never to be seen";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task WriteAsync(OwnDatabase database, string tenant, string keyName, bool deleted = false)
    {
        await database.ExecuteAsync(
            "INSERT INTO tenants (id, name, created_at, allow_overdraft, deleted_at) VALUES ($1, $2, now(), false, CASE WHEN $3 THEN now() END)",
            tenant,
            $"{tenant} of {keyName}",
            deleted);
        await database.ExecuteAsync(
            """
            INSERT INTO api_keys (id, prefix, hash, tenant_id, name, role, created_at, created_by)
            VALUES (gen_random_uuid(), $1, $2, $1, $3, 'user', now(), $3)
            """,
            tenant,
            System.Text.Encoding.UTF8.GetBytes(Secret),
            keyName);
        await database.ExecuteAsync(
            """
            INSERT INTO predictions (id, received_at, tenant_id, model, version, status, batch_size, queue_microseconds, compute_microseconds,
                total_microseconds, role, priority, cache_hit, cost)
            SELECT gen_random_uuid(), now(), $1, 'm', '1', 200, 1, 1, 1, 2, 'stable', 'normal', false, 0 FROM generate_series(1, 12)
            """,
            tenant);
        await WriteJobAsync(database, tenant);
        await database.ExecuteAsync("INSERT INTO model_events (at, model, kind, actor) VALUES (now(), 'm', 'promoted', $1)", keyName);
        await database.Get<AuditFeed>().PassAsync(Cancellation);
        await database.Get<AuditChain>().AppendAsync(
            [
                new AuditEvent("key.created", "First admin key", tenant, tenant, new Dictionary<string, string> { ["name"] = keyName }),
                new AuditEvent("tenant.exported", keyName, tenant, tenant),
            ],
            Cancellation);
    }

    private static async Task WriteJobAsync(OwnDatabase database, string tenant)
    {
        var (id, now) = (Guid.CreateVersion7(), DateTimeOffset.UtcNow);
        var request = RequestCodec.Encode(new InferenceRequest(
            id, "m", "1", tenant, RequestKind.Job, Priority.Low, "", now, now, null, null, [],
            [new Tensor("x", Datatype.Uint8, [1, 3], new byte[] { 1, 2, 3 })]));
        var reply = new ReplyBatch();
        reply.Add(id, ReplyOutcome.Completed, null, default, default, 1, "w", outputs: 1);
        reply.AddOutput("y", Datatype.Uint8, [1, 2], [4, 5]);
        await database.ExecuteAsync(
            """
            INSERT INTO jobs (id, tenant_id, model, version, priority, state, attempt, max_attempts, request, outputs, progress, created_at,
                deadline_at, finished_at, cancel_requested, batch_size, compute_microseconds)
            VALUES ($1, $2, 'm', '1', 2, 'succeeded', 1, 3, $3, $4, 1, now(), now(), now(), false, 1, 1)
            """,
            id,
            tenant,
            request,
            reply.ToMessage());
    }
}
