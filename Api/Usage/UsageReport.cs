using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Usage;

/// <summary>What a report tells apart.</summary>
public enum UsageGroup
{
    Tenant,
    Model,
    Version,
    Hour,
    Day,
    Month,
}

/// <summary>Sums of use. What a report does not tell apart is null.</summary>
/// <param name="Start">Of the hour, day or month (UTC).</param>
public sealed record UsageRow(
    string? Tenant, string? Model, string? Version, DateTimeOffset? Start,
    long Requests, long Failures, long Cached, long Jobs, decimal DeviceSeconds, decimal Cost, long PromptTokens, long CompletionTokens);

/// <summary>Reads sums of use; they are a second or two behind.</summary>
public sealed class UsageReport(NpgsqlDataSource dataSource)
{
    private const string Sums =
        "sum(requests)::bigint, sum(failures)::bigint, sum(cached)::bigint, sum(jobs)::bigint, sum(device_microseconds)::numeric / 1000000, sum(cost), "
        + "sum(prompt_tokens)::bigint, sum(completion_tokens)::bigint";

    /// <param name="tenant">Null for all.</param>
    /// <param name="models">Null for all.</param>
    /// <param name="from">Rounded down to its hour.</param>
    /// <param name="to">Exclusive.</param>
    /// <param name="limit">Rows at most.</param>
    public async Task<IReadOnlyList<UsageRow>> ReadAsync(
        string? tenant, string[]? models, DateTimeOffset from, DateTimeOffset to, IReadOnlySet<UsageGroup> groups, int limit,
        CancellationToken cancellationToken)
    {
        var start = groups.Contains(UsageGroup.Hour) ? "hour"
            : groups.Contains(UsageGroup.Day) ? "date_trunc('day', hour, 'UTC')"
            : groups.Contains(UsageGroup.Month) ? "date_trunc('month', hour, 'UTC')"
            : null;
        string?[] columns =
        [
            groups.Contains(UsageGroup.Tenant) ? "tenant_id" : null,
            groups.Contains(UsageGroup.Model) || groups.Contains(UsageGroup.Version) ? "model" : null,
            groups.Contains(UsageGroup.Version) ? "version" : null,
            start,
        ];
        var grouping = string.Join(", ", columns.Select((column, i) => (column, i)).Where(c => c.column is not null)
            .Select(c => (c.i + 1).ToString(CultureInfo.InvariantCulture)));

        // Of constants alone: nothing of a caller's becomes SQL.
        await using var command = dataSource.CreateCommand($"""
            SELECT {string.Join(", ", columns.Select(c => c ?? "NULL"))}, {Sums} FROM usage_hours
            WHERE hour >= date_trunc('hour', $1, 'UTC') AND hour < $2 AND ($3::text IS NULL OR tenant_id = $3)
                AND ($5::text[] IS NULL OR model = ANY ($5))
            {(grouping.Length > 0 ? $"GROUP BY {grouping} ORDER BY 4 NULLS FIRST, {grouping}" : "HAVING count(*) > 0")} LIMIT $4
            """);
        command.Parameters.AddWithValue(from.ToUniversalTime());
        command.Parameters.AddWithValue(to.ToUniversalTime());
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Text, Value = tenant ?? (object)DBNull.Value });
        command.Parameters.AddWithValue(limit);
        command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, Value = models ?? (object)DBNull.Value });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<UsageRow>();
        while (await row.ReadAsync(cancellationToken))
        {
            rows.Add(new UsageRow(
                Text(row, 0), Text(row, 1), Text(row, 2), row.IsDBNull(3) ? null : row.GetFieldValue<DateTimeOffset>(3),
                row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetDecimal(8), row.GetDecimal(9),
                row.GetInt64(10), row.GetInt64(11)));
        }

        return rows;
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
