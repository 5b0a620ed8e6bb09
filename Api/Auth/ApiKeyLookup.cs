using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Keys and tenants, cached for one second: a revocation or suspension takes effect on every replica within that,
/// and a flood of requests costs one query a second for each key.
/// </summary>
public sealed class ApiKeyLookup(NpgsqlDataSource dataSource, TimeProvider time)
{
    private const string Keys = """
        SELECT t.id, t.suspended_at IS NOT NULL, t.deleted_at IS NOT NULL, t.models,
          k.id, k.name, k.role, k.hash, k.expires_at, k.revoked_at, k.models
        FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
        """;

    private const string Tenants = "SELECT id, suspended_at IS NOT NULL, deleted_at IS NOT NULL, models FROM tenants WHERE id = $1";

    private readonly ExpiringCache<string, ApiKeyIdentity> _byPrefix = new(time, StringComparer.Ordinal);
    private readonly ExpiringCache<Guid, ApiKeyIdentity> _byId = new(time, EqualityComparer<Guid>.Default);
    private readonly ExpiringCache<string, TenantIdentity> _tenants = new(time, StringComparer.Ordinal);

    /// <summary>The key with this prefix, in whatever state; null when there is none.</summary>
    /// <exception cref="NpgsqlException">The database can't be asked.</exception>
    public Task<ApiKeyIdentity?> FindAsync(string prefix) =>
        _byPrefix.GetAsync(prefix, p => QueryAsync($"{Keys} WHERE k.prefix = $1", p, NpgsqlDbType.Varchar, ReadKeyAsync));

    /// <summary>The key with this prefix where it was asked for within the last second; else null.</summary>
    public ApiKeyIdentity? Known(ReadOnlySpan<char> prefix) => _byPrefix.Known(prefix);

    /// <summary>
    /// The key that a token was issued for; null when there is none. While the database is away a key that was seen before is
    /// what it was: tokens end soon by themselves.
    /// </summary>
    /// <exception cref="NpgsqlException">The database can't be asked, and the key has not been seen.</exception>
    public Task<ApiKeyIdentity?> FindAsync(Guid keyId) =>
        _byId.GetOrLastAsync(keyId, id => QueryAsync($"{Keys} WHERE k.id = $1", id, NpgsqlDbType.Uuid, ReadKeyAsync));

    /// <summary>A tenant; null when there is none. While the database is away, what it was.</summary>
    /// <exception cref="NpgsqlException">The database can't be asked, and the tenant has not been seen.</exception>
    public Task<TenantIdentity?> FindTenantAsync(string tenant) =>
        _tenants.GetOrLastAsync(tenant, t => QueryAsync(Tenants, t, NpgsqlDbType.Varchar, ReadTenantAsync));

    private async Task<T?> QueryAsync<TKey, T>(string sql, TKey key, NpgsqlDbType type, Func<NpgsqlDataReader, Task<T>> read)
        where T : class
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<TKey> { TypedValue = key, NpgsqlDbType = type });
        await using var row = await command.ExecuteReaderAsync();
        return await row.ReadAsync() ? await read(row) : null;
    }

    private static async Task<TenantIdentity> ReadTenantAsync(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetBoolean(1), row.GetBoolean(2), await NullableAsync<string[]>(row, 3));

    private static async Task<ApiKeyIdentity> ReadKeyAsync(NpgsqlDataReader row) => new()
    {
        Tenant = await ReadTenantAsync(row),
        KeyId = row.GetGuid(4),
        Name = row.GetString(5),
        Role = row.GetString(6),
        Hash = await row.GetFieldValueAsync<byte[]>(7),
        ExpiresAt = await row.IsDBNullAsync(8) ? null : await row.GetFieldValueAsync<DateTimeOffset>(8),
        RevokedAt = await row.IsDBNullAsync(9) ? null : await row.GetFieldValueAsync<DateTimeOffset>(9),
        Models = await NullableAsync<string[]>(row, 10),
    };

    private static async Task<T?> NullableAsync<T>(NpgsqlDataReader row, int column)
        where T : class =>
        await row.IsDBNullAsync(column) ? null : await row.GetFieldValueAsync<T>(column);
}
