using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Traffic;

/// <param name="Compared">Mirrored requests whose shadow answered.</param>
/// <param name="Failed">Those whose shadow did not.</param>
/// <param name="MeanComputeRatio">The shadow's compute time over that of who answered; null where nothing was compared.</param>
public sealed record ShadowSummary(long Compared, long Agreed, long Failed, double? MaxDifference, double? MeanComputeRatio);

/// <summary>Writes comparisons by binary COPY and sums them up.</summary>
public sealed class ShadowComparisonStore(NpgsqlDataSource dataSource)
{
    private const string Copy = """
        COPY shadow_comparisons (id, compared_at, model, version, shadow_version, agreed, max_difference,
                                 compute_microseconds, shadow_compute_microseconds, error)
        FROM STDIN (FORMAT BINARY)
        """;

    private const string Summary = """
        SELECT count(agreed), count(*) FILTER (WHERE agreed), count(*) FILTER (WHERE agreed IS NULL), max(max_difference),
               avg(shadow_compute_microseconds) FILTER (WHERE agreed IS NOT NULL)
                   / nullif(avg(compute_microseconds) FILTER (WHERE agreed IS NOT NULL), 0)
        FROM shadow_comparisons WHERE model = $1 AND shadow_version = $2 AND compared_at >= $3
        """;

    /// <summary>Writes all or none.</summary>
    public async Task WriteAsync(IReadOnlyCollection<ShadowComparison> comparisons, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var copy = await connection.BeginBinaryImportAsync(Copy, cancellationToken);
        foreach (var comparison in comparisons)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(comparison.Id, NpgsqlDbType.Uuid, cancellationToken);
            await copy.WriteAsync(comparison.ComparedAt, NpgsqlDbType.TimestampTz, cancellationToken);
            await copy.WriteAsync(comparison.Model, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(comparison.Version, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(comparison.ShadowVersion, NpgsqlDbType.Varchar, cancellationToken);
            await (comparison.Agreed is { } agreed
                ? copy.WriteAsync(agreed, NpgsqlDbType.Boolean, cancellationToken)
                : copy.WriteNullAsync(cancellationToken));
            await (comparison.MaxDifference is { } difference
                ? copy.WriteAsync(difference, NpgsqlDbType.Double, cancellationToken)
                : copy.WriteNullAsync(cancellationToken));
            await copy.WriteAsync(comparison.ComputeMicroseconds, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(comparison.ShadowComputeMicroseconds, NpgsqlDbType.Bigint, cancellationToken);
            await (comparison.Error is { } error
                ? copy.WriteAsync(error, NpgsqlDbType.Text, cancellationToken)
                : copy.WriteNullAsync(cancellationToken));
        }

        await copy.CompleteAsync(cancellationToken);
    }

    public async Task<ShadowSummary> SummariseAsync(
        string model, string shadowVersion, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Summary);
        command.Parameters.AddWithValue(model);
        command.Parameters.AddWithValue(shadowVersion);
        command.Parameters.AddWithValue(since);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new ShadowSummary(
            row.GetInt64(0),
            row.GetInt64(1),
            row.GetInt64(2),
            await row.IsDBNullAsync(3, cancellationToken) ? null : row.GetDouble(3),
            await row.IsDBNullAsync(4, cancellationToken) ? null : (double)row.GetDecimal(4));
    }
}
