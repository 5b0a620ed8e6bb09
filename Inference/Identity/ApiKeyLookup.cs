using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Inference.Identity;

/// <summary>Who a key is, as far as a request needs it.</summary>
public sealed record ApiKeyIdentity(Guid KeyId, string Name, string Role, string TenantId, byte[] Hash, DateTimeOffset? ExpiresAt);

/// <summary>
/// Keys by prefix, remembered for one second: revocation takes effect on every replica within that, and a flood of
/// requests costs one query a second per key.
/// </summary>
public sealed class ApiKeyLookup(NpgsqlDataSource dataSource, TimeProvider time)
{
    // Unknown prefixes are remembered too; the bound keeps a guesser from filling memory.
    private const int MaxRemembered = 10_000;

    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, (Task<ApiKeyIdentity?> Key, DateTimeOffset ReadAt)> _remembered =
        new(StringComparer.Ordinal);

    /// <summary>The key with this prefix; null when there is none or it is revoked.</summary>
    /// <exception cref="NpgsqlException">The database can't be asked.</exception>
    public async Task<ApiKeyIdentity?> FindAsync(string prefix)
    {
        var now = time.GetUtcNow();
        if (_remembered.TryGetValue(prefix, out var entry) && now - entry.ReadAt < RememberedFor && !entry.Key.IsFaulted)
        {
            return await entry.Key;
        }

        if (_remembered.Count >= MaxRemembered)
        {
            _remembered.Clear();
        }

        var query = QueryAsync(prefix);
        _remembered[prefix] = (query, now);
        return await query;
    }

    private async Task<ApiKeyIdentity?> QueryAsync(string prefix)
    {
        await using var command = dataSource.CreateCommand(
            "SELECT id, name, role, tenant_id, hash, expires_at FROM api_keys WHERE prefix = $1 AND revoked_at IS NULL");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = prefix, NpgsqlDbType = NpgsqlDbType.Varchar });
        await using var row = await command.ExecuteReaderAsync();
        if (!await row.ReadAsync())
        {
            return null;
        }

        DateTimeOffset? expiresAt = await row.IsDBNullAsync(5) ? null : await row.GetFieldValueAsync<DateTimeOffset>(5);
        return new ApiKeyIdentity(
            row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetString(3), await row.GetFieldValueAsync<byte[]>(4), expiresAt);
    }
}
