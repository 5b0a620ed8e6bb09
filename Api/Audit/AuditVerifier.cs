using System.Text.Json;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Audit;

/// <summary>Reads the chain from its beginning, in the order of its entries and as one statement sees it, and compares.</summary>
public sealed class AuditVerifier(NpgsqlDataSource dataSource)
{
    private const string ReadAll = """
        SELECT e.sequence, e.event_id, e.at, e.action, e.actor_id, e.tenant_id, e.subject, e.details_digest, e.previous_hash, e.hash,
               d.salt, d.facts::text, a.id IS NOT NULL, a.salt, a.tenant_id, a.name
        FROM audit_entries e
        LEFT JOIN audit_details d ON d.sequence = e.sequence
        LEFT JOIN audit_actors a ON a.id = e.actor_id
        ORDER BY e.sequence
        """;

    /// <param name="kept">A head that was kept elsewhere: the chain has to have it still. Null for none.</param>
    public async Task<AuditVerification> VerifyAsync(AuditHead? kept, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(ReadAll, connection) { CommandTimeout = 0 };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var reading = new AuditReading(kept);
        while (await row.ReadAsync(cancellationToken))
        {
            if (reading.Next(Read(row)) is { } fault)
            {
                return reading.End(fault);
            }
        }

        return reading.End(reading.Last());
    }

    private static AuditLink Read(NpgsqlDataReader row) => new(
        new AuditEntry
        {
            Sequence = row.GetInt64(0),
            EventId = row.GetGuid(1),
            At = row.GetFieldValue<DateTimeOffset>(2),
            Action = row.GetString(3),
            ActorId = row.GetGuid(4),
            TenantId = Text(row, 5),
            Subject = Text(row, 6),
            DetailsDigest = Bytes(row, 7),
            PreviousHash = row.GetFieldValue<byte[]>(8),
            Hash = row.GetFieldValue<byte[]>(9),
        },
        Text(row, 11) is { } facts
            ? new AuditDetails
            {
                Salt = row.GetFieldValue<byte[]>(10),
                Facts = JsonSerializer.Deserialize(facts, StoreJson.Default.IReadOnlyDictionaryStringString)!,
            }
            : null,
        row.GetBoolean(12) ? new AuditActor { Salt = Bytes(row, 13), TenantId = Text(row, 14), Name = Text(row, 15) } : null);

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static byte[]? Bytes(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column);
}
