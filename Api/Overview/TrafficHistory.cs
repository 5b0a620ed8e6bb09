using System.Data;
using System.Globalization;
using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Objectives;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace InferenceTemplate.Api.Overview;

/// <summary>
/// Sums the records of each minute, so that days of traffic are drawn from a few rows: <c>GET /v1/overview/history</c>. Of several replicas
/// one does it at a time. What is not summed yet is read from the records themselves: a minute or two of them.
/// </summary>
internal sealed class TrafficHistory(NpgsqlDataSource dataSource, TimeProvider time, ILogger<TrafficHistory> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // Replicas write their records a few times a second.
    private static readonly TimeSpan Recorded = TimeSpan.FromSeconds(2);

    // A rate of less says little.
    private static readonly TimeSpan ShortestPart = TimeSpan.FromSeconds(5);

    // Where sums are late, reading all records since would make it worse.
    private static readonly TimeSpan MostUnsummed = TimeSpan.FromMinutes(3);

    // The last two minutes are summed again, for records that came late. Whole minutes only: a part would take the place of the whole.
    // Each table goes on from its own last minute: the one of models is newer, and begins with the last hour. It comes second, so that a
    // minute that is read is not without its models.
    private static readonly string Sum = $"""
        INSERT INTO traffic_minutes (minute, requests, errors, rejections, fast, p50, p95, p99)
        {Minutes(Unsummed("traffic_minutes"))}
        ON CONFLICT (minute) DO UPDATE SET requests = excluded.requests, errors = excluded.errors, rejections = excluded.rejections,
            fast = excluded.fast, p50 = excluded.p50, p95 = excluded.p95, p99 = excluded.p99;
        INSERT INTO traffic_model_minutes (minute, model, version, requests, errors, p50, p95)
        {ModelMinutes(Unsummed("traffic_model_minutes"))}
        ON CONFLICT (minute, model, version) DO UPDATE SET requests = excluded.requests, errors = excluded.errors,
            p50 = excluded.p50, p95 = excluded.p95;
        DELETE FROM traffic_minutes WHERE minute < now() - interval '31 days';
        DELETE FROM traffic_model_minutes WHERE minute < now() - interval '8 days';
        DELETE FROM queue_minutes WHERE minute < now() - interval '8 days'
        """;

    private static readonly string Read = $"""
        SELECT date_bin($1, minute, $2), sum(requests)::bigint, sum(errors)::bigint, sum(rejections)::bigint,
               nullif(max(p50), 0), nullif(max(p95), 0), nullif(max(p99), 0)
        FROM (
            SELECT minute, requests, errors, rejections, fast, p50, p95, p99 FROM traffic_minutes WHERE minute >= $2 AND minute < $3
            UNION ALL
            {Minutes(Newest("traffic_minutes"))}) AS minutes
        GROUP BY 1
        """;

    private static readonly string ReadModels = $"""
        SELECT date_bin($1, minute, $2), model, version, sum(requests)::bigint, sum(errors)::bigint,
               nullif(max(p50), 0), nullif(max(p95), 0)
        FROM (
            SELECT minute, model, version, requests, errors, p50, p95 FROM traffic_model_minutes WHERE minute >= $2 AND minute < $3
            UNION ALL
            {ModelMinutes(Newest("traffic_model_minutes"))}) AS minutes
        GROUP BY 1, 2, 3
        """;

    private const string ReadQueues = """
        SELECT date_bin($1, minute, $2), max(depth), max(oldest_seconds)
        FROM queue_minutes WHERE minute >= $2 AND minute < $3 GROUP BY 1
        """;

    private static readonly Dictionary<string, (TimeSpan Length, TimeSpan Step)> Ranges = new(StringComparer.Ordinal)
    {
        ["1h"] = (TimeSpan.FromHours(1), TimeSpan.FromMinutes(1)),
        ["24h"] = (TimeSpan.FromHours(24), TimeSpan.FromMinutes(15)),
        ["7d"] = (TimeSpan.FromDays(7), TimeSpan.FromHours(2)),
    };

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, SumAsync, time, logger, stoppingToken, atOnce: true);

    private async Task SumAsync(CancellationToken cancellationToken)
    {
        await using var lead = await LeaderLock.TryTakeAsync(dataSource, "traffic.history", cancellationToken);
        if (lead is null)
        {
            return;
        }

        await using var command = new NpgsqlCommand(Sum, lead.Connection, lead.Transaction);
        await command.ExecuteNonQueryAsync(cancellationToken);
        await lead.Transaction.CommitAsync(cancellationToken);
    }

    /// <summary>How far back a range reaches; null for one that there is not.</summary>
    public static TimeSpan? LengthOf(string? range) => Ranges.TryGetValue(range ?? "1h", out var known) ? known.Length : null;

    public static ProblemHttpResult Unknown(string? range) => TypedResults.Problem(
        $"range: '{range}' given, one of {string.Join(", ", Ranges.Keys)} expected", statusCode: StatusCodes.Status400BadRequest);

    public static async Task<Results<JsonHttpResult<TrafficHistoryView>, ProblemHttpResult>> GetAsync(
        string? range, ClaimsPrincipal caller, NpgsqlDataSource dataSource, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Ranges.TryGetValue(range ?? "1h", out var asked))
        {
            return Unknown(range);
        }

        var (length, step) = asked;
        // The last step ends with the minute that runs: its rates are those of the part that is over.
        var until = time.GetUtcNow() - Recorded;
        var minute = new DateTimeOffset(until.UtcTicks - (until.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        (until, var end) = until - minute < ShortestPart ? (minute, minute) : (until, minute.AddMinutes(1));
        double SecondsOf(DateTimeOffset at) => (at + step < end ? step : step - (end - until)).TotalSeconds;
        // Of one moment: between them a sum may be committed.
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        NpgsqlCommand Command(string sql, params ReadOnlySpan<object> more)
        {
            var command = new NpgsqlCommand(sql, connection, moment);
            command.Parameters.AddWithValue(step);
            command.Parameters.AddWithValue(end - length);
            command.Parameters.AddWithValue(end);
            foreach (var value in more)
            {
                command.Parameters.AddWithValue(value);
            }

            return command;
        }

        var queues = new Dictionary<DateTimeOffset, (long? Depth, double? Oldest)>();
        await using (var command = Command(ReadQueues))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                queues[row.GetFieldValue<DateTimeOffset>(0)] = (row.GetInt64(1), row.GetDouble(2));
            }
        }

        var known = new Dictionary<DateTimeOffset, TrafficPoint>();
        await using (var command = Command(Read, until, minute - MostUnsummed))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                var at = row.GetFieldValue<DateTimeOffset>(0);
                var seconds = SecondsOf(at);
                known[at] = new(
                    at, row.GetInt64(1) / seconds, row.GetInt64(2) / seconds, row.GetInt64(3) / seconds,
                    Latency(row, 4), Latency(row, 5), Latency(row, 6));
            }
        }

        DateTimeOffset[] steps = [.. Enumerable.Range(0, (int)(length / step)).Select(i => end - length + (i * step))];
        await using var models = Command(ReadModels, until, minute - MostUnsummed);
        return TypedResults.Json(
            new TrafficHistoryView(
                step.TotalSeconds,
                [.. steps.Select(at => (known.GetValueOrDefault(at) ?? new TrafficPoint(at, 0, 0, 0, null, null, null)) with
                {
                    QueueDepth = queues.GetValueOrDefault(at).Depth,
                    OldestWaitSeconds = queues.GetValueOrDefault(at).Oldest,
                })],
                await ReadAsync(models, caller, steps, SecondsOf, cancellationToken)),
            TrafficHistoryJson.Default.TrafficHistoryView);
    }

    private static async Task<ModelTraffic[]> ReadAsync(
        NpgsqlCommand command, ClaimsPrincipal caller, DateTimeOffset[] steps, Func<DateTimeOffset, double> secondsOf,
        CancellationToken cancellationToken)
    {
        var all = new SortedDictionary<(string Model, string Version), ModelTraffic>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            var version = (row.GetString(1), row.GetString(2));
            var at = row.GetFieldValue<DateTimeOffset>(0);
            var index = Array.IndexOf(steps, at);
            if (!caller.MayUse(version.Item1))
            {
                continue;
            }

            if (!all.TryGetValue(version, out var traffic))
            {
                all[version] = traffic = ModelTraffic.Of(version.Item1, version.Item2, steps.Length);
            }

            traffic.RequestsPerSecond[index] = row.GetInt64(3) / secondsOf(at);
            traffic.ErrorsPerSecond[index] = row.GetInt64(4) / secondsOf(at);
            traffic.P50[index] = Latency(row, 5);
            traffic.P95[index] = Latency(row, 6);
        }

        return [.. all.Values];
    }

    private static string Unsummed(string table) => $"""
        received_at >= date_trunc('minute', greatest(
            now() - interval '1 hour', (SELECT max(minute) FROM {table}) - interval '2 minutes'))
            AND received_at < date_trunc('minute', now())
        """;

    private static string Newest(string table) =>
        $"received_at >= greatest($5, (SELECT max(minute) + interval '1 minute' FROM {table})) AND received_at < $4";

    /// <summary>The columns of <c>traffic_minutes</c>, of the records of a time.</summary>
    private static string Minutes(string time) => string.Create(CultureInfo.InvariantCulture, $"""
        SELECT minute, requests, errors, rejections, fast,
               coalesce(latencies[1], 0) / 1e6 AS p50, coalesce(latencies[2], 0) / 1e6 AS p95, coalesce(latencies[3], 0) / 1e6 AS p99
        FROM (
            SELECT date_trunc('minute', received_at) AS minute, count(*) AS requests, count(*) FILTER (WHERE status >= 500) AS errors,
                   count(*) FILTER (WHERE status BETWEEN 400 AND 498) AS rejections,
                   count(*) FILTER (WHERE total_microseconds <= {ServiceObjectives.FastSeconds * 1e6:0}) AS fast,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY total_microseconds)
                       FILTER (WHERE status = 200 OR status >= 500) AS latencies
            FROM predictions
            WHERE {time} AND role <> 'shadow'
            GROUP BY 1) AS summed
        """);

    /// <summary>The columns of <c>traffic_model_minutes</c>, of the records of a time.</summary>
    private static string ModelMinutes(string time) => $"""
        SELECT minute, model, version, requests, errors, coalesce(latencies[1], 0) / 1e6 AS p50, coalesce(latencies[2], 0) / 1e6 AS p95
        FROM (
            SELECT date_trunc('minute', received_at) AS minute, model, version, count(*) AS requests,
                   count(*) FILTER (WHERE status >= 500) AS errors,
                   percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY total_microseconds)
                       FILTER (WHERE status = 200 OR status >= 500) AS latencies
            FROM predictions
            WHERE {time} AND role <> 'shadow'
            GROUP BY 1, 2, 3) AS summed
        """;

    private static double? Latency(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);
}

/// <param name="StepSeconds">From a point to the next. The last step may not be over: its rates are those of the part that is.</param>
/// <param name="Points">The oldest first.</param>
/// <param name="Models">Of the versions that had traffic, those that the caller may use.</param>
internal sealed record TrafficHistoryView(double StepSeconds, TrafficPoint[] Points, ModelTraffic[] Models);

/// <summary>What a version did: for each of the points a number, latencies as theirs.</summary>
internal sealed record ModelTraffic(
    string Model, string Version, double[] RequestsPerSecond, double[] ErrorsPerSecond, double?[] P50, double?[] P95)
{
    public static ModelTraffic Of(string model, string version, int points) => new(
        model, version, new double[points], new double[points], new double?[points], new double?[points]);
}

/// <summary>Traffic from a moment on, for one step. Latencies in seconds are those of its worst minute; null without traffic.</summary>
internal sealed record TrafficPoint(
    DateTimeOffset At, double RequestsPerSecond, double ErrorsPerSecond, double RejectionsPerSecond, double? P50, double? P95, double? P99)
{
    /// <summary>The most requests that were seen waiting or running; null where nobody could look.</summary>
    public long? QueueDepth { get; init; }

    /// <summary>Age of the oldest of them.</summary>
    public double? OldestWaitSeconds { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TrafficHistoryView))]
internal sealed partial class TrafficHistoryJson : JsonSerializerContext;
