using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>A key as one caller uses it.</summary>
/// <param name="Hash">SHA-256 of the caller and the key.</param>
public sealed record IdempotencyScope(string TenantId, byte[] Hash);

/// <summary>An answer that is kept, and what it was given to.</summary>
/// <param name="Fingerprint">SHA-256 of what was asked.</param>
/// <param name="BodyLength">Bytes of the request's body.</param>
/// <param name="Answer">Headers and body, encrypted by the caller of the store.</param>
public sealed record KeptAnswer(byte[] Fingerprint, long BodyLength, short Status, byte[] Answer);

/// <summary>What was accepted with a key by an attempt whose answer was lost.</summary>
public sealed record AcceptedBatch(Guid Id, byte[] Fingerprint, long BodyLength);

/// <summary>What is known of a key: it is this attempt's now, or answered before, or else another attempt has it in flight.</summary>
/// <param name="Accepted">What an earlier attempt accepted: this one accepts nothing more.</param>
public sealed record IdempotencyClaim(Guid? Token, KeptAnswer? Kept, AcceptedBatch? Accepted = null);

/// <summary>
/// Keys and answers in Postgres. A key is held by a token under a lock that runs out, so that a request whose process died may be
/// tried again; the token fences what the dead one might still write.
/// </summary>
public sealed class IdempotencyStore(NpgsqlDataSource dataSource, IOptions<IdempotencyOptions> options)
{
    private const int MaxRows = 10_000;

    private const string ClaimSql = """
        INSERT INTO idempotency_keys AS known (tenant_id, key_hash, token, locked_until, created_at, expires_at)
        VALUES ($1, $2, $3, now() + $4, now(), now() + $5)
        ON CONFLICT (tenant_id, key_hash) DO UPDATE SET
            token = excluded.token, locked_until = excluded.locked_until, created_at = excluded.created_at, expires_at = excluded.expires_at,
            batch_id = CASE WHEN known.expires_at >= now() THEN known.batch_id END,
            fingerprint = CASE WHEN known.expires_at >= now() THEN known.fingerprint END,
            body_length = CASE WHEN known.expires_at >= now() THEN known.body_length END,
            status = NULL, answer = NULL
        WHERE known.expires_at < now() OR known.status IS NULL AND known.locked_until < now()
        RETURNING batch_id, fingerprint, body_length
        """;

    private const string FindSql =
        "SELECT fingerprint, body_length, status, answer FROM idempotency_keys WHERE tenant_id = $1 AND key_hash = $2";

    private const string ExtendSql = """
        UPDATE idempotency_keys SET locked_until = now() + $4
        WHERE tenant_id = $1 AND key_hash = $2 AND token = $3 AND status IS NULL
        """;

    private const string KeepSql = """
        UPDATE idempotency_keys SET locked_until = NULL, fingerprint = $4, body_length = $5, status = $6, answer = $7, expires_at = now() + $8
        WHERE tenant_id = $1 AND key_hash = $2 AND token = $3 AND status IS NULL
        """;

    private const string AcceptSql = """
        UPDATE idempotency_keys SET batch_id = $4, fingerprint = $5, body_length = $6
        WHERE tenant_id = $1 AND key_hash = $2 AND token = $3 AND status IS NULL
        """;

    // What was accepted with it stays known.
    private const string ReleaseSql = """
        WITH accepted AS (
            UPDATE idempotency_keys SET locked_until = now() - interval '1 second'
            WHERE tenant_id = $1 AND key_hash = $2 AND token = $3 AND status IS NULL AND batch_id IS NOT NULL)
        DELETE FROM idempotency_keys
        WHERE tenant_id = $1 AND key_hash = $2 AND token = $3 AND status IS NULL AND batch_id IS NULL
        """;

    private const string ExpireSql = """
        DELETE FROM idempotency_keys WHERE (tenant_id, key_hash) IN (
            SELECT tenant_id, key_hash FROM idempotency_keys WHERE expires_at < now() LIMIT $1 FOR UPDATE SKIP LOCKED)
        """;

    public async Task<IdempotencyClaim> ClaimAsync(IdempotencyScope scope, CancellationToken cancellationToken)
    {
        var token = Guid.NewGuid();
        while (true)
        {
            await using (var claim = Command(ClaimSql, scope.TenantId, scope.Hash, token, options.Value.Lock, options.Value.Retention))
            await using (var claimed = await claim.ExecuteReaderAsync(cancellationToken))
            {
                if (await claimed.ReadAsync(cancellationToken))
                {
                    return new(token, null, await claimed.IsDBNullAsync(0, cancellationToken)
                        ? null
                        : new(claimed.GetGuid(0), claimed.GetFieldValue<byte[]>(1), claimed.GetInt64(2)));
                }
            }

            await using var command = Command(FindSql, scope.TenantId, scope.Hash);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                return await reader.IsDBNullAsync(2, cancellationToken)
                    ? new(null, null)
                    : new(null,
                        new(reader.GetFieldValue<byte[]>(0), reader.GetInt64(1), reader.GetInt16(2), reader.GetFieldValue<byte[]>(3)));
            }

            // Given back between the two statements: it is free.
        }
    }

    /// <summary>Holds the key for a further while.</summary>
    public Task ExtendAsync(IdempotencyScope scope, Guid token, CancellationToken cancellationToken) =>
        ExecuteAsync(ExtendSql, cancellationToken, scope.TenantId, scope.Hash, token, options.Value.Lock);

    /// <summary>Writes, in the transaction that accepts the batch, that it is the key's; false where another attempt has the key.</summary>
    public static async Task<bool> AcceptAsync(NpgsqlConnection connection, IdempotencyScope scope, Guid token, AcceptedBatch batch)
    {
        await using var command = new NpgsqlCommand(AcceptSql, connection);
        Add(command, scope.TenantId, scope.Hash, token, batch.Id, batch.Fingerprint, batch.BodyLength);
        return await command.ExecuteNonQueryAsync(CancellationToken.None) == 1;
    }

    /// <summary>Keeps the answer, unless the lock ran out and another attempt has the key.</summary>
    public Task KeepAsync(IdempotencyScope scope, Guid token, KeptAnswer kept) => ExecuteAsync(
        KeepSql, CancellationToken.None, scope.TenantId, scope.Hash, token, kept.Fingerprint, kept.BodyLength, kept.Status, kept.Answer,
        options.Value.Retention);

    /// <summary>Forgets the key, unless something was accepted with it: the request may be tried again at once.</summary>
    public Task ReleaseAsync(IdempotencyScope scope, Guid token) =>
        ExecuteAsync(ReleaseSql, CancellationToken.None, scope.TenantId, scope.Hash, token);

    /// <summary>Removes keys whose time is over.</summary>
    public Task ExpireAsync(CancellationToken cancellationToken) => ExecuteAsync(ExpireSql, cancellationToken, MaxRows);

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = dataSource.CreateCommand(sql);
        Add(command, values);
        return command;
    }

    private static void Add(NpgsqlCommand command, params object[] values)
    {
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }
    }
}
