using System.Text.Json;
using InferenceTemplate.Inference.Store;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Inference.Catalog;

/// <summary>A worker's word on a model version that it has opened.</summary>
public sealed class ModelRegistration(NpgsqlDataSource dataSource)
{
    /// <summary>Adds the version, or brings what is known of it up to date.</summary>
    public async Task RegisterAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            WITH model AS (
                INSERT INTO models (name, settings, created_at, updated_at) VALUES ($1, '{}', $7, $7) ON CONFLICT DO NOTHING)
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (model, version) DO UPDATE SET platform = EXCLUDED.platform, sha256 = EXCLUDED.sha256,
                size_bytes = EXCLUDED.size_bytes, signature = EXCLUDED.signature, registered_at = EXCLUDED.registered_at
            WHERE model_versions.sha256 <> EXCLUDED.sha256
            """);
        command.Parameters.AddWithValue(version.Model);
        command.Parameters.AddWithValue(version.Version);
        command.Parameters.AddWithValue(version.Platform);
        command.Parameters.AddWithValue(version.Sha256);
        command.Parameters.AddWithValue(version.SizeBytes);
        command.Parameters.AddWithValue(
            NpgsqlDbType.Jsonb,
            JsonSerializer.Serialize(version.Signature, StoreJson.Default.ModelSignature));
        command.Parameters.AddWithValue(version.RegisteredAt);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
