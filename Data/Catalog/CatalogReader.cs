using System.Data;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;

namespace InferenceTemplate.Data.Catalog;

/// <summary>
/// Reads the registry as it is at one moment, without EF Core: every process does so at its start, and again each second that it is asked.
/// </summary>
internal static class CatalogReader
{
    private const string Models = "SELECT name, settings, residency, previous_stable, created_at, updated_at FROM models";

    private const string Versions = """
        SELECT model, version, platform, sha256, size_bytes, state, reason, signature, metadata, labels, memory_bytes, batch_proof,
            proof_outdated, has_sample, created_by, registered_at, inspection_lease, inspection_attempts
        FROM model_versions WHERE deleted_at IS NULL
        """;

    private const string Aliases = "SELECT model, alias, version, updated_at FROM model_aliases";

    public static async Task<CatalogSnapshot> ReadAsync(NpgsqlDataSource dataSource)
    {
        await using var connection = await dataSource.OpenConnectionAsync();
        await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await using var batch = new NpgsqlBatch(connection, moment);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Models));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Versions));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Aliases));
        await using var reader = await batch.ExecuteReaderAsync();
        var models = await RowsAsync(reader, Model);
        await reader.NextResultAsync();
        var versions = await RowsAsync(reader, Version);
        await reader.NextResultAsync();
        return new CatalogSnapshot(models, versions, await RowsAsync(reader, Alias));
    }

    private static async Task<List<T>> RowsAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private static Model Model(NpgsqlDataReader row) => new()
    {
        Name = row.GetString(0),
        Settings = Json(row, 1, StoreJson.Default.ModelSettings),
        Residency = Enum.Parse<Residency>(row.GetString(2)),
        PreviousStable = row.IsDBNull(3) ? null : row.GetString(3),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(4),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(5),
    };

    private static ModelVersion Version(NpgsqlDataReader row) => new()
    {
        Model = row.GetString(0),
        Version = row.GetString(1),
        Platform = row.GetString(2),
        Sha256 = row.GetString(3),
        SizeBytes = row.GetInt64(4),
        State = Enum.Parse<VersionState>(row.GetString(5)),
        Reason = row.IsDBNull(6) ? null : row.GetString(6),
        Signature = Json(row, 7, StoreJson.Default.ModelSignature),
        Metadata = Json(row, 8, StoreJson.Default.VersionMetadata),
        Labels = Json(row, 9, StoreJson.Default.IReadOnlyDictionaryStringString),
        MemoryBytes = row.GetInt64(10),
        BatchProof = row.IsDBNull(11) ? null : Json(row, 11, StoreJson.Default.BatchProof),
        ProofOutdated = row.GetBoolean(12),
        HasSample = row.GetBoolean(13),
        CreatedBy = row.IsDBNull(14) ? null : row.GetString(14),
        RegisteredAt = row.GetFieldValue<DateTimeOffset>(15),
        InspectionLease = row.IsDBNull(16) ? null : row.GetFieldValue<DateTimeOffset>(16),
        InspectionAttempts = row.GetInt32(17),
    };

    private static ModelAlias Alias(NpgsqlDataReader row) => new()
    {
        Model = row.GetString(0),
        Alias = row.GetString(1),
        Version = row.GetString(2),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(3),
    };

    private static T Json<T>(NpgsqlDataReader row, int column, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(row.GetString(column), type)!;
}
