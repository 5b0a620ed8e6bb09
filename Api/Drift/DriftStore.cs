using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Drift;

/// <summary>Windows and baselines in Postgres: what all replicas have seen.</summary>
public sealed class DriftStore(NpgsqlDataSource dataSource)
{
    /// <summary>What is older is not taken for what goes on now.</summary>
    public static readonly TimeSpan LookBack = TimeSpan.FromHours(1);

    private const string Columns = """
        id, model, version, role, tensor, is_output, kind, started_at, ended_at, requests, not_finite, empty, "values", weights
        """;

    private const string Baselines = """
        SELECT model, version, tensor, is_output, kind, started_at, ended_at, requests, not_finite, empty, "values", weights,
               fixed_at, actor
        FROM drift_baselines WHERE model = $1 AND version = $2 ORDER BY is_output, tensor, kind
        """;

    /// <summary>Writes all or none.</summary>
    public async Task WriteAsync(IReadOnlyCollection<DriftWindow> windows, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var copy = await connection.BeginBinaryImportAsync(
            $"COPY drift_windows ({Columns}) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var window in windows)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(window.Id, NpgsqlDbType.Uuid, cancellationToken);
            await copy.WriteAsync(window.Model, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(window.Version, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(window.Role, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(window.Tensor, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(window.IsOutput, NpgsqlDbType.Boolean, cancellationToken);
            await copy.WriteAsync(window.Kind, NpgsqlDbType.Varchar, cancellationToken);
            await copy.WriteAsync(window.StartedAt, NpgsqlDbType.TimestampTz, cancellationToken);
            await copy.WriteAsync(window.EndedAt, NpgsqlDbType.TimestampTz, cancellationToken);
            await copy.WriteAsync(window.Requests, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(window.NotFinite, NpgsqlDbType.Double, cancellationToken);
            await copy.WriteAsync(window.Empty, NpgsqlDbType.Double, cancellationToken);
            await copy.WriteAsync(window.Values, NpgsqlDbType.Array | NpgsqlDbType.Double, cancellationToken);
            await copy.WriteAsync(window.Weights, NpgsqlDbType.Array | NpgsqlDbType.Double, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }

    /// <summary>The newest windows of each tensor, as many as it takes to have so many requests.</summary>
    /// <param name="since">Windows that began earlier say nothing of what is asked.</param>
    /// <param name="role">Null for any.</param>
    public Task<IReadOnlyList<DriftWindow>> NewestAsync(
        string model, string version, DateTimeOffset endedAfter, DateTimeOffset? since, string? role, int requests,
        CancellationToken cancellationToken) =>
        ReadAsync("DESC", model, version, endedAfter, since, role, requests, cancellationToken);

    /// <summary>The oldest ones that are kept.</summary>
    public Task<IReadOnlyList<DriftWindow>> OldestAsync(string model, string version, int requests, CancellationToken cancellationToken) =>
        ReadAsync("ASC", model, version, DateTimeOffset.UnixEpoch, since: null, role: null, requests, cancellationToken);

    public async Task<IReadOnlyList<DriftBaseline>> BaselineAsync(string model, string version, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Baselines);
        command.Parameters.AddWithValue(model);
        command.Parameters.AddWithValue(version);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<DriftBaseline>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new DriftBaseline
            {
                Model = row.GetString(0),
                Version = row.GetString(1),
                Tensor = row.GetString(2),
                IsOutput = row.GetBoolean(3),
                Kind = row.GetString(4),
                StartedAt = await row.GetFieldValueAsync<DateTimeOffset>(5, cancellationToken),
                EndedAt = await row.GetFieldValueAsync<DateTimeOffset>(6, cancellationToken),
                Requests = row.GetInt32(7),
                NotFinite = row.GetDouble(8),
                Empty = row.GetDouble(9),
                Values = await row.GetFieldValueAsync<double[]>(10, cancellationToken),
                Weights = await row.GetFieldValueAsync<double[]>(11, cancellationToken),
                FixedAt = await row.GetFieldValueAsync<DateTimeOffset>(12, cancellationToken),
                Actor = row.GetString(13),
            });
        }

        return found;
    }

    private async Task<IReadOnlyList<DriftWindow>> ReadAsync(
        string order, string model, string version, DateTimeOffset endedAfter, DateTimeOffset? since, string? role, int requests,
        CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"""
            SELECT {Columns} FROM (
                SELECT *, sum(requests) OVER (PARTITION BY tensor, is_output, kind ORDER BY ended_at {order}, id) - requests AS before
                FROM drift_windows
                WHERE model = $1 AND version = $2 AND ended_at >= $3 AND ($4::timestamptz IS NULL OR started_at >= $4)
                    AND ($5::varchar IS NULL OR role = $5)) w
            WHERE before < $6 ORDER BY is_output, tensor, kind
            """);
        command.Parameters.AddWithValue(model);
        command.Parameters.AddWithValue(version);
        command.Parameters.AddWithValue(endedAfter);
        command.Parameters.AddWithValue(NpgsqlDbType.TimestampTz, since is { } begin ? begin : DBNull.Value);
        command.Parameters.AddWithValue(NpgsqlDbType.Varchar, role is null ? DBNull.Value : role);
        command.Parameters.AddWithValue(requests);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<DriftWindow>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new DriftWindow
            {
                Id = row.GetGuid(0),
                Model = row.GetString(1),
                Version = row.GetString(2),
                Role = row.GetString(3),
                Tensor = row.GetString(4),
                IsOutput = row.GetBoolean(5),
                Kind = row.GetString(6),
                StartedAt = await row.GetFieldValueAsync<DateTimeOffset>(7, cancellationToken),
                EndedAt = await row.GetFieldValueAsync<DateTimeOffset>(8, cancellationToken),
                Requests = row.GetInt32(9),
                NotFinite = row.GetDouble(10),
                Empty = row.GetDouble(11),
                Values = await row.GetFieldValueAsync<double[]>(12, cancellationToken),
                Weights = await row.GetFieldValueAsync<double[]>(13, cancellationToken),
            });
        }

        return found;
    }
}
