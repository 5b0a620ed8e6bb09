using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Audit;

/// <summary>
/// The ids of actors by their names, made where there is none yet. Only used under the chain's lock, so no name gets two.
/// </summary>
internal sealed class AuditActors(NpgsqlConnection connection)
{
    private readonly Dictionary<(string? Business, string? Tenant, string Name), Guid> _found = [];

    public async Task<Guid> FindAsync(AuditEvent happened, CancellationToken cancellationToken)
    {
        var key = (happened.TenantId, happened.ActorTenantId, happened.Actor);
        if (!_found.TryGetValue(key, out var id))
        {
            var tenant = happened.ActorTenantId ?? await OwnerAsync(happened.Actor, happened.TenantId, cancellationToken);
            id = await SelectAsync(tenant, happened.Actor, cancellationToken)
                ?? await InsertAsync(tenant, happened.Actor, cancellationToken);
            _found.Add(key, id);
        }

        return id;
    }

    // Whose name it is decides with whom it is forgotten. Changes of models only carry the name: it is taken for that of a key, or of an
    // actor seen before, of the tenant whose business it was, else of the one tenant that has such a name.
    private async Task<string?> OwnerAsync(string name, string? business, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT tenant_id FROM api_keys WHERE name = $1
            UNION SELECT tenant_id FROM audit_actors WHERE name = $1 AND tenant_id IS NOT NULL
            LIMIT 1000
            """,
            connection);
        command.Parameters.AddWithValue(name);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var owners = new List<string>();
        while (await row.ReadAsync(cancellationToken))
        {
            owners.Add(row.GetString(0));
        }

        return business is not null && owners.Contains(business) ? business : owners is [var owner] ? owner : null;
    }

    private async Task<Guid?> SelectAsync(string? tenant, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT id FROM audit_actors WHERE name = $1 AND tenant_id IS NOT DISTINCT FROM $2", connection);
        command.Parameters.AddWithValue(name);
        command.Parameters.AddWithValue(NpgsqlDbType.Varchar, (object?)tenant ?? DBNull.Value);
        return (Guid?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private async Task<Guid> InsertAsync(string? tenant, string name, CancellationToken cancellationToken)
    {
        var salt = RandomNumberGenerator.GetBytes(AuditHashes.SaltSize);
        var id = AuditHashes.OfActor(salt, tenant, name);
        await using var command = new NpgsqlCommand(
            "INSERT INTO audit_actors (id, tenant_id, name, salt) VALUES ($1, $2, $3, $4)", connection);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(NpgsqlDbType.Varchar, (object?)tenant ?? DBNull.Value);
        command.Parameters.AddWithValue(name);
        command.Parameters.AddWithValue(salt);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return id;
    }
}
