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
/// one does it at a time.
/// </summary>
internal sealed class TrafficHistory(NpgsqlDataSource dataSource, TimeProvider time, ILogger<TrafficHistory> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SumsWithin = TimeSpan.FromSeconds(5);

    // The last two minutes are summed again, for records that came late. Whole minutes only: a part would take the place of the whole.
    // Each table goes on from its own last minute: the one of models is newer, and begins with the last hour. It comes second, so that a
    // minute that is read is not without its models.
    private static readonly string Sum = string.Create(CultureInfo.InvariantCulture, $"""
        INSERT INTO traffic_minutes (minute, requests, errors, rejections, fast, p50, p95, p99)
        SELECT minute, requests, errors, rejections, fast,
               coalesce(latencies[1], 0) / 1e6, coalesce(latencies[2], 0) / 1e6, coalesce(latencies[3], 0) / 1e6
        FROM (
            SELECT date_trunc('minute', received_at) AS minute, count(*) AS requests, count(*) FILTER (WHERE status >= 500) AS errors,
                   count(*) FILTER (WHERE status BETWEEN 400 AND 498) AS rejections,
                   count(*) FILTER (WHERE total_microseconds <= {ServiceObjectives.FastSeconds * 1e6:0}) AS fast,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY total_microseconds)
                       FILTER (WHERE status = 200 OR status >= 500) AS latencies
            FROM predictions
            WHERE received_at >= date_trunc('minute', greatest(
                    now() - interval '1 hour', (SELECT max(minute) FROM traffic_minutes) - interval '2 minutes'))
                AND received_at < date_trunc('minute', now()) AND role <> 'shadow'
            GROUP BY 1) AS summed
        ON CONFLICT (minute) DO UPDATE SET requests = excluded.requests, errors = excluded.errors, rejections = excluded.rejections,
            fast = excluded.fast, p50 = excluded.p50, p95 = excluded.p95, p99 = excluded.p99;
        INSERT INTO traffic_model_minutes (minute, model, version, requests, errors, p50, p95)
        SELECT minute, model, version, requests, errors, coalesce(latencies[1], 0) / 1e6, coalesce(latencies[2], 0) / 1e6
        FROM (
            SELECT date_trunc('minute', received_at) AS minute, model, version, count(*) AS requests,
                   count(*) FILTER (WHERE status >= 500) AS errors,
                   percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY total_microseconds)
                       FILTER (WHERE status = 200 OR status >= 500) AS latencies
            FROM predictions
            WHERE received_at >= date_trunc('minute', greatest(
                    now() - interval '1 hour', (SELECT max(minute) FROM traffic_model_minutes) - interval '2 minutes'))
                AND received_at < date_trunc('minute', now()) AND role <> 'shadow'
            GROUP BY 1, 2, 3) AS summed
        ON CONFLICT (minute, model, version) DO UPDATE SET requests = excluded.requests, errors = excluded.errors,
            p50 = excluded.p50, p95 = excluded.p95;
        DELETE FROM traffic_minutes WHERE minute < now() - interval '31 days';
        DELETE FROM traffic_model_minutes WHERE minute < now() - interval '8 days'
        """);

    private const string Read = """
        SELECT date_bin($1, minute, $2), sum(requests)::bigint, sum(errors)::bigint, sum(rejections)::bigint,
               nullif(max(p50), 0), nullif(max(p95), 0), nullif(max(p99), 0)
        FROM traffic_minutes WHERE minute >= $2 AND minute < $3 GROUP BY 1
        """;

    private const string ReadModels = """
        SELECT date_bin($1, minute, $2), model, version, sum(requests)::bigint, sum(errors)::bigint,
               nullif(max(p50), 0), nullif(max(p95), 0)
        FROM traffic_model_minutes WHERE minute >= $2 AND minute < $3 GROUP BY 1, 2, 3
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
        // A minute that may not be summed yet would look as if all traffic had ended.
        var now = time.GetUtcNow() - Interval - SumsWithin;
        var end = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        NpgsqlCommand Command(string sql)
        {
            var command = dataSource.CreateCommand(sql);
            command.Parameters.AddWithValue(step);
            command.Parameters.AddWithValue(end - length);
            command.Parameters.AddWithValue(end);
            return command;
        }

        var known = new Dictionary<DateTimeOffset, TrafficPoint>();
        await using (var command = Command(Read))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await row.ReadAsync(cancellationToken))
            {
                var at = row.GetFieldValue<DateTimeOffset>(0);
                known[at] = new(
                    at, row.GetInt64(1) / step.TotalSeconds, row.GetInt64(2) / step.TotalSeconds, row.GetInt64(3) / step.TotalSeconds,
                    Latency(row, 4), Latency(row, 5), Latency(row, 6));
            }
        }

        DateTimeOffset[] steps = [.. Enumerable.Range(0, (int)(length / step)).Select(i => end - length + (i * step))];
        await using var models = Command(ReadModels);
        return TypedResults.Json(
            new TrafficHistoryView(
                step.TotalSeconds,
                [.. steps.Select(at => known.GetValueOrDefault(at) ?? new TrafficPoint(at, 0, 0, 0, null, null, null))],
                await ReadAsync(models, caller, steps, step, cancellationToken)),
            TrafficHistoryJson.Default.TrafficHistoryView);
    }

    private static async Task<ModelTraffic[]> ReadAsync(
        NpgsqlCommand command, ClaimsPrincipal caller, DateTimeOffset[] steps, TimeSpan step, CancellationToken cancellationToken)
    {
        var all = new SortedDictionary<(string Model, string Version), ModelTraffic>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            var version = (row.GetString(1), row.GetString(2));
            var index = (int)((row.GetFieldValue<DateTimeOffset>(0) - steps[0]) / step);
            if (!caller.MayUse(version.Item1))
            {
                continue;
            }

            if (!all.TryGetValue(version, out var traffic))
            {
                all[version] = traffic = ModelTraffic.Of(version.Item1, version.Item2, steps.Length);
            }

            traffic.RequestsPerSecond[index] = row.GetInt64(3) / step.TotalSeconds;
            traffic.ErrorsPerSecond[index] = row.GetInt64(4) / step.TotalSeconds;
            traffic.P50[index] = Latency(row, 5);
            traffic.P95[index] = Latency(row, 6);
        }

        return [.. all.Values];
    }

    private static double? Latency(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);
}

/// <param name="StepSeconds">From a point to the next.</param>
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
    DateTimeOffset At, double RequestsPerSecond, double ErrorsPerSecond, double RejectionsPerSecond, double? P50, double? P95, double? P99);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TrafficHistoryView))]
internal sealed partial class TrafficHistoryJson : JsonSerializerContext;
