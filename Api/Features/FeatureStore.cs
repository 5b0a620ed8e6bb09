using System.Globalization;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Features;

/// <summary>The flags that somebody has set. Each change is one transaction with its audit entry.</summary>
public sealed class FeatureStore(NpgsqlDataSource dataSource, AuditChain chain)
{
    /// <summary>Flags that may be set; every process holds all of them in memory.</summary>
    public const int MaxFlags = 200;

    private const string All = """
        SELECT name, enabled, tenants, excluded_tenants, percentage, description, updated_at FROM feature_flags ORDER BY name
        """;

    private const string Put = """
        INSERT INTO feature_flags (name, enabled, tenants, excluded_tenants, percentage, description, updated_at)
        SELECT $1, $2, $3, $4, $5, $6, $7
        WHERE (SELECT count(*) FROM feature_flags WHERE name <> $1) < $8
        ON CONFLICT (name) DO UPDATE SET enabled = EXCLUDED.enabled, tenants = EXCLUDED.tenants,
            excluded_tenants = EXCLUDED.excluded_tenants, percentage = EXCLUDED.percentage, description = EXCLUDED.description,
            updated_at = EXCLUDED.updated_at
        """;

    public async Task<IReadOnlyList<FeatureFlag>> AllAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(All);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var flags = new List<FeatureFlag>();
        while (await reader.ReadAsync(cancellationToken))
        {
            flags.Add(new FeatureFlag
            {
                Name = reader.GetString(0),
                Enabled = reader.GetBoolean(1),
                Tenants = reader.IsDBNull(2) ? null : reader.GetFieldValue<string[]>(2),
                ExcludedTenants = reader.IsDBNull(3) ? null : reader.GetFieldValue<string[]>(3),
                Percentage = reader.GetDouble(4),
                Description = reader.IsDBNull(5) ? null : reader.GetString(5),
                UpdatedAt = reader.GetFieldValue<DateTimeOffset>(6),
            });
        }

        return flags;
    }

    /// <returns>False where there are <see cref="MaxFlags"/> others.</returns>
    public async Task<bool> SetAsync(FeatureFlag flag, string actor, string actorTenant, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Put, connection);
        command.Parameters.AddWithValue(flag.Name);
        command.Parameters.AddWithValue(flag.Enabled);
        command.Parameters.AddWithValue(NpgsqlDbType.Array | NpgsqlDbType.Text, (object?)flag.Tenants ?? DBNull.Value);
        command.Parameters.AddWithValue(NpgsqlDbType.Array | NpgsqlDbType.Text, (object?)flag.ExcludedTenants ?? DBNull.Value);
        command.Parameters.AddWithValue(flag.Percentage);
        command.Parameters.AddWithValue(NpgsqlDbType.Varchar, (object?)flag.Description ?? DBNull.Value);
        command.Parameters.AddWithValue(flag.UpdatedAt);
        command.Parameters.AddWithValue(MaxFlags);
        if (await command.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            return false;
        }

        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["enabled"] = flag.Enabled ? "true" : "false",
            ["percentage"] = flag.Percentage.ToString(CultureInfo.InvariantCulture),
            ["tenants"] = string.Join(',', flag.Tenants ?? []),
            ["excluded_tenants"] = string.Join(',', flag.ExcludedTenants ?? []),
        };
        await chain.AppendAsync(
            connection,
            [new AuditEvent(AuditActions.FeatureChanged, actor, TenantId: null, flag.Name, details) { ActorTenantId = actorTenant }],
            cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Forgets what was set: the flag is as it was before anybody set it.</summary>
    /// <returns>False where nothing was set.</returns>
    public async Task<bool> RemoveAsync(string name, string actor, string actorTenant, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("DELETE FROM feature_flags WHERE name = $1", connection);
        command.Parameters.AddWithValue(name);
        if (await command.ExecuteNonQueryAsync(cancellationToken) == 0)
        {
            return false;
        }

        await chain.AppendAsync(
            connection,
            [new AuditEvent(AuditActions.FeatureRemoved, actor, TenantId: null, name) { ActorTenantId = actorTenant }],
            cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }
}
