using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// The key that everything else is administered with. It comes from configuration, and only its hash is stored, so the
/// AppHost can print it at each start and an operator can replace it by changing the secret, also after it was revoked.
/// With another secret it is another key, with another id: tokens of the one before end with it.
/// </summary>
internal sealed class FirstAdminKey(NpgsqlDataSource dataSource, ApiKeyHasher hasher, IOptions<AuthOptions> options, TimeProvider time)
{
    private const string Prefix = ApiKeyRegistry.FirstAdminPrefix;

    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            INSERT INTO api_keys (id, prefix, hash, tenant_id, name, role, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (prefix) DO UPDATE SET id = EXCLUDED.id, hash = EXCLUDED.hash, revoked_at = NULL, expires_at = NULL
            WHERE api_keys.hash <> EXCLUDED.hash
            """);
        command.Parameters.AddWithValue(Guid.CreateVersion7());
        command.Parameters.AddWithValue(Prefix);
        command.Parameters.AddWithValue(hasher.Hash($"{Prefix}_{options.Value.AdminSecret}"));
        command.Parameters.AddWithValue(Tenant.DefaultId);
        command.Parameters.AddWithValue("First admin key");
        command.Parameters.AddWithValue(Roles.Admin);
        command.Parameters.AddWithValue(time.GetUtcNow());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
