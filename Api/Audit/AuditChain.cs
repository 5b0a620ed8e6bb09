using System.Security.Cryptography;
using System.Text.Json;
using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Audit;

/// <summary>
/// Appends to the one chain of all processes. Whoever appends holds an advisory lock until its transaction ends, so that the next
/// one sees the head that it left: entries are there without gaps, or not at all.
/// </summary>
public sealed class AuditChain(NpgsqlDataSource dataSource, TimeProvider time)
{
    private const string TakeLock = "SELECT pg_advisory_xact_lock(hashtext('inference.audit'))";

    private const string ReadHead = "SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1";

    private const string CopyEntries = """
        COPY audit_entries (sequence, event_id, at, action, actor_id, tenant_id, subject, details_digest, previous_hash, hash)
        FROM STDIN (FORMAT BINARY)
        """;

    private const string CopyDetails = "COPY audit_details (sequence, tenant_id, salt, facts) FROM STDIN (FORMAT BINARY)";

    /// <summary>Appends in a transaction of its own; returns when it is committed.</summary>
    /// <exception cref="NpgsqlException">The database can't be asked, and nothing was appended, or nobody knows whether it was.</exception>
    public async Task AppendAsync(IReadOnlyCollection<AuditEvent> events, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await AppendAsync(connection, events, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>
    /// Appends within the caller's open transaction, which holds up all other appenders from now until it ends: keep the rest of
    /// it short. What is there already, by the events' ids, is left out.
    /// </summary>
    /// <returns>The head that the chain has once the caller has committed.</returns>
    public async Task<AuditHead> AppendAsync(
        NpgsqlConnection connection, IReadOnlyCollection<AuditEvent> events, CancellationToken cancellationToken)
    {
        await LockAsync(connection, cancellationToken);
        var (sequence, hash) = await HeadAsync(connection, cancellationToken);
        var known = await KnownAsync(connection, events, cancellationToken);
        var actors = new AuditActors(connection);
        var entries = new List<AuditEntry>(events.Count);
        var details = new List<AuditDetails>();
        foreach (var happened in events.Where(e => !known.Contains(e.Id)).Select(e => AuditText.Fit(e, time.GetUtcNow())))
        {
            sequence++;
            byte[]? digest = null;
            if (happened.Details is { } facts)
            {
                var salt = RandomNumberGenerator.GetBytes(AuditHashes.SaltSize);
                digest = AuditHashes.OfDetails(salt, facts);
                details.Add(new AuditDetails { Sequence = sequence, TenantId = happened.TenantId, Salt = salt, Facts = facts });
            }

            var entry = new AuditEntry
            {
                Sequence = sequence,
                EventId = happened.Id,
                At = happened.At!.Value,
                Action = happened.Action,
                ActorId = await actors.FindAsync(happened, cancellationToken),
                TenantId = happened.TenantId,
                Subject = happened.Subject,
                DetailsDigest = digest,
                PreviousHash = hash,
                Hash = [],
            };
            hash = AuditHashes.OfEntry(entry);
            entries.Add(entry with { Hash = hash });
        }

        await WriteAsync(connection, entries, details, cancellationToken);
        return AuditHead.Of(sequence, hash);
    }

    /// <summary>The last entry now.</summary>
    public async Task<AuditHead> HeadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var (sequence, hash) = await HeadAsync(connection, cancellationToken);
        return AuditHead.Of(sequence, hash);
    }

    /// <summary>Keeps all other appenders away until the transaction of this connection ends.</summary>
    public static async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // A statement of its own: the next one has a snapshot that shows what the holder before committed.
        await using var take = new NpgsqlCommand(TakeLock, connection);
        await take.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<(long Sequence, byte[] Hash)> HeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ReadHead, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? (row.GetInt64(0), await row.GetFieldValueAsync<byte[]>(1, cancellationToken))
            : (0, AuditHashes.Beginning);
    }

    private static async Task<HashSet<Guid>> KnownAsync(
        NpgsqlConnection connection, IReadOnlyCollection<AuditEvent> events, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT event_id FROM audit_entries WHERE event_id = ANY ($1)", connection);
        command.Parameters.AddWithValue(events.Select(e => e.Id).ToArray());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var known = new HashSet<Guid>();
        while (await row.ReadAsync(cancellationToken))
        {
            known.Add(row.GetGuid(0));
        }

        return known;
    }

    private static async Task WriteAsync(
        NpgsqlConnection connection, List<AuditEntry> entries, List<AuditDetails> details, CancellationToken cancellationToken)
    {
        await using (var copy = await connection.BeginBinaryImportAsync(CopyEntries, cancellationToken))
        {
            foreach (var entry in entries)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(entry.Sequence, NpgsqlDbType.Bigint, cancellationToken);
                await copy.WriteAsync(entry.EventId, NpgsqlDbType.Uuid, cancellationToken);
                await copy.WriteAsync(entry.At, NpgsqlDbType.TimestampTz, cancellationToken);
                await copy.WriteAsync(entry.Action, NpgsqlDbType.Varchar, cancellationToken);
                await copy.WriteAsync(entry.ActorId, NpgsqlDbType.Uuid, cancellationToken);
                await copy.WriteAsync((object?)entry.TenantId ?? DBNull.Value, NpgsqlDbType.Varchar, cancellationToken);
                await copy.WriteAsync((object?)entry.Subject ?? DBNull.Value, NpgsqlDbType.Varchar, cancellationToken);
                await copy.WriteAsync((object?)entry.DetailsDigest ?? DBNull.Value, NpgsqlDbType.Bytea, cancellationToken);
                await copy.WriteAsync(entry.PreviousHash, NpgsqlDbType.Bytea, cancellationToken);
                await copy.WriteAsync(entry.Hash, NpgsqlDbType.Bytea, cancellationToken);
            }

            await copy.CompleteAsync(cancellationToken);
        }

        await using var facts = await connection.BeginBinaryImportAsync(CopyDetails, cancellationToken);
        foreach (var row in details)
        {
            await facts.StartRowAsync(cancellationToken);
            await facts.WriteAsync(row.Sequence, NpgsqlDbType.Bigint, cancellationToken);
            await facts.WriteAsync((object?)row.TenantId ?? DBNull.Value, NpgsqlDbType.Varchar, cancellationToken);
            await facts.WriteAsync(row.Salt, NpgsqlDbType.Bytea, cancellationToken);
            await facts.WriteAsync(
                JsonSerializer.Serialize(row.Facts, StoreJson.Default.IReadOnlyDictionaryStringString), NpgsqlDbType.Jsonb,
                cancellationToken);
        }

        await facts.CompleteAsync(cancellationToken);
    }
}
