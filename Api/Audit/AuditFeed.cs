using Npgsql;

namespace InferenceTemplate.Api.Audit;

/// <summary>
/// Takes what the registry and the traffic policies write down of themselves, in the transactions of their changes, into the
/// chain. Marking a row and appending its entry are one transaction: each gets there once, also when a process dies meanwhile.
/// </summary>
public sealed class AuditFeed(NpgsqlDataSource dataSource, AuditChain chain)
{
    /// <summary>Rows of each table that one pass takes.</summary>
    public const int Batch = 500;

    private const string Waiting =
        "SELECT EXISTS (SELECT 1 FROM model_events WHERE NOT audited) OR EXISTS (SELECT 1 FROM traffic_decisions WHERE NOT audited)";

    // In one order, and passing over what another process holds.
    private const string TakeEvents = """
        WITH next AS MATERIALIZED (SELECT id FROM model_events WHERE NOT audited ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE model_events e SET audited = true FROM next WHERE e.id = next.id
        RETURNING e.at, 'model.' || e.kind, e.actor, e.model || coalesce('/' || e.version, ''), e.details, e.id::text
        """;

    private const string TakeDecisions = """
        WITH next AS MATERIALIZED (SELECT id FROM traffic_decisions WHERE NOT audited ORDER BY decided_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE traffic_decisions d SET audited = true FROM next WHERE d.id = next.id
        RETURNING d.decided_at, 'traffic.' || d.action, d.actor, d.model || coalesce('/' || d.version, ''), coalesce(d.policy::text, d.reason), d.id::text
        """;

    /// <summary>One pass.</summary>
    /// <returns>How many entries were appended; fewer than <see cref="Batch"/> when nothing is left.</returns>
    public async Task<int> PassAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using (var waiting = new NpgsqlCommand(Waiting, connection))
        {
            if (await waiting.ExecuteScalarAsync(cancellationToken) is not true)
            {
                return 0;
            }
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var events = await TakeAsync(connection, TakeEvents, cancellationToken);
        events.AddRange(await TakeAsync(connection, TakeDecisions, cancellationToken));
        if (events.Count > 0)
        {
            await chain.AppendAsync(connection, [.. events.OrderBy(e => e.At)], cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        return events.Count;
    }

    private static async Task<List<AuditEvent>> TakeAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddWithValue(Batch);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var events = new List<(string Id, AuditEvent Event)>();
        while (await row.ReadAsync(cancellationToken))
        {
            var details = await row.IsDBNullAsync(4, cancellationToken)
                ? null
                : new Dictionary<string, string>(StringComparer.Ordinal) { ["details"] = row.GetString(4) };
            events.Add((row.GetString(5), new AuditEvent(row.GetString(1), row.GetString(2), TenantId: null, row.GetString(3), details)
            {
                At = await row.GetFieldValueAsync<DateTimeOffset>(0, cancellationToken),
            }));
        }

        return [.. events.OrderBy(e => e.Id.Length).ThenBy(e => e.Id, StringComparer.Ordinal).Select(e => e.Event)];
    }
}
