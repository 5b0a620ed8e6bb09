using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Predictions;

/// <summary>Writes prediction records by binary COPY: one round trip for any number.</summary>
public sealed class PredictionWriter(NpgsqlDataSource dataSource)
{
    private const string Copy = """
        COPY predictions (id, received_at, tenant_id, model, version, status, batch_size,
                          queue_microseconds, compute_microseconds, total_microseconds, role, priority, cache_hit, cost, worker, trace_id, error)
        FROM STDIN (FORMAT BINARY)
        """;

    /// <summary>Writes all or none.</summary>
    public async Task WriteAsync(IReadOnlyCollection<Prediction> predictions, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var copy = await connection.BeginBinaryImportAsync(Copy, cancellationToken);
        foreach (var prediction in predictions)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(prediction.Id, NpgsqlDbType.Uuid, cancellationToken);
            await copy.WriteAsync(prediction.ReceivedAt, NpgsqlDbType.TimestampTz, cancellationToken);
            await copy.WriteAsync(prediction.TenantId, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(prediction.Model, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(prediction.Version, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(prediction.Status, NpgsqlDbType.Smallint, cancellationToken);
            await copy.WriteAsync(prediction.BatchSize, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(prediction.QueueMicroseconds, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(prediction.ComputeMicroseconds, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(prediction.TotalMicroseconds, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(prediction.Role, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(prediction.Priority, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(prediction.CacheHit, NpgsqlDbType.Boolean, cancellationToken);
            await copy.WriteAsync(prediction.Cost, NpgsqlDbType.Numeric, cancellationToken);
            await WriteTextAsync(copy, prediction.Worker, cancellationToken);
            await WriteTextAsync(copy, prediction.TraceId, cancellationToken);
            await WriteTextAsync(copy, prediction.Error, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter copy, string? value, CancellationToken cancellationToken) =>
        value is null ? copy.WriteNullAsync(cancellationToken) : copy.WriteAsync(value, NpgsqlDbType.Varchar, cancellationToken);
}
