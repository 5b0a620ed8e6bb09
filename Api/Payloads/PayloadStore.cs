using Npgsql;

namespace InferenceTemplate.Api.Payloads;

/// <param name="Days">For which it is kept; a tenant's own number goes before where it is smaller.</param>
/// <param name="Envelope">A CloudEvent in JSON.</param>
public sealed record NewPayload(Guid Id, string TenantId, string Model, DateTimeOffset ReceivedAt, int Days, byte[] Envelope);

/// <summary>Payloads in Postgres.</summary>
public sealed class PayloadStore(NpgsqlDataSource dataSource, TimeProvider time)
{
    // Nothing more of a tenant that is deleted.
    private const string Insert = """
        INSERT INTO request_payloads (id, tenant_id, model, received_at, expires_at, envelope)
        SELECT p.id, p.tenant_id, p.model, p.received_at,
               p.received_at + make_interval(days => LEAST(p.days, coalesce(t.retention_days, p.days))), p.envelope
        FROM unnest($1::uuid[], $2::varchar[], $3::varchar[], $4::timestamptz[], $5::int[], $6::bytea[])
            AS p (id, tenant_id, model, received_at, days, envelope)
        JOIN tenants t ON t.id = p.tenant_id AND t.deleted_at IS NULL
        ON CONFLICT (id) DO NOTHING
        """;

    // The tenant's own number of days may have been made smaller since.
    private const string Find = """
        SELECT p.model, p.envelope FROM request_payloads p JOIN tenants t ON t.id = p.tenant_id
        WHERE p.id = $1 AND p.tenant_id = $2 AND p.expires_at > $3
            AND (t.retention_days IS NULL OR p.received_at > $3 - make_interval(days => t.retention_days))
        """;

    /// <summary>Writes all or none.</summary>
    public async Task WriteAsync(IReadOnlyCollection<NewPayload> payloads, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Insert);
        command.Parameters.AddWithValue(payloads.Select(p => p.Id).ToArray());
        command.Parameters.AddWithValue(payloads.Select(p => p.TenantId).ToArray());
        command.Parameters.AddWithValue(payloads.Select(p => p.Model).ToArray());
        command.Parameters.AddWithValue(payloads.Select(p => p.ReceivedAt).ToArray());
        command.Parameters.AddWithValue(payloads.Select(p => p.Days).ToArray());
        command.Parameters.AddWithValue(payloads.Select(p => p.Envelope).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>A payload of the tenant's own; null where there is none, or none any more.</summary>
    public async Task<(string Model, byte[] Envelope)?> FindAsync(Guid id, string tenant, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Find);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(time.GetUtcNow());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? (row.GetString(0), await row.GetFieldValueAsync<byte[]>(1, cancellationToken))
            : null;
    }
}
