using System.Text.Json.Serialization;
using InferenceTemplate.Core.Objectives;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace InferenceTemplate.Api.Overview;

/// <summary>
/// <c>GET /v1/overview/objectives</c>: the objectives of <see cref="ServiceObjectives"/> by the minutes that <see cref="TrafficHistory"/>
/// sums, so that they are known without Prometheus too.
/// </summary>
public static class ObjectiveStatus
{
    private const string Sql = """
        SELECT length, coalesce(sum(requests), 0)::bigint, coalesce(sum(errors), 0)::bigint,
               coalesce(sum(requests) FILTER (WHERE fast IS NOT NULL), 0)::bigint, coalesce(sum(fast), 0)::bigint
        FROM unnest($1) AS window_of (length) LEFT JOIN traffic_minutes ON minute >= $2 - length AND minute < $2
        GROUP BY length
        """;

    private static readonly TimeSpan[] s_windows =
        [.. ServiceObjectives.Burns.SelectMany(burn => (TimeSpan[])[burn.Long, burn.Short]).Append(ServiceObjectives.Period).Distinct()];

    public static async Task<JsonHttpResult<ObjectivesView>> GetAsync(
        NpgsqlDataSource dataSource, TimeProvider time, CancellationToken cancellationToken) =>
        TypedResults.Json(await ReadAsync(dataSource, time.GetUtcNow(), cancellationToken), ObjectivesJson.Default.ObjectivesView);

    public static async Task<ObjectivesView> ReadAsync(
        NpgsqlDataSource dataSource, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var end = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        await using var command = dataSource.CreateCommand(Sql);
        command.Parameters.AddWithValue(s_windows);
        command.Parameters.AddWithValue(end);
        var (failed, slow) = (new Dictionary<TimeSpan, BadRequests>(), new Dictionary<TimeSpan, BadRequests>());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            var window = row.GetTimeSpan(0);
            failed[window] = new BadRequests(row.GetInt64(1), row.GetInt64(2));
            slow[window] = new BadRequests(row.GetInt64(3), row.GetInt64(3) - row.GetInt64(4));
        }

        return new ObjectivesView(
            end, ServiceObjectives.Period.TotalDays,
            [
                Of("availability", ServiceObjectives.Availability, null, failed),
                Of("latency", ServiceObjectives.Fast, ServiceObjectives.FastSeconds, slow),
            ]);
    }

    /// <param name="share">Of requests that are to be good.</param>
    /// <param name="windows">What was bad in each window.</param>
    public static ObjectiveView Of(string name, double share, double? seconds, IReadOnlyDictionary<TimeSpan, BadRequests> windows)
    {
        var budget = ServiceObjectives.BudgetOf(share);
        var all = windows[ServiceObjectives.Period];
        double? Rate(TimeSpan window) => windows[window].Share / budget;
        var burns = ServiceObjectives.Burns.Select(burn => new BurnView(
            BurnRule.NameOf(burn.Long), BurnRule.NameOf(burn.Short), Rate(burn.Long), Rate(burn.Short), burn.Rate, burn.Priority,
            Rate(burn.Long) > burn.Rate && Rate(burn.Short) > burn.Rate)).ToArray();
        double? left = all.Share is { } bad ? 1 - (bad / budget) : null;
        var state = left is null ? "no_traffic"
            : burns.Any(burn => burn.IsBurning) ? "burning"
            : left <= 0 ? "exhausted" : "met";
        return new ObjectiveView(name, state, share, seconds, all.Requests, all.Bad, left, burns);
    }
}

/// <param name="Bad">Of <paramref name="Requests"/>.</param>
public sealed record BadRequests(long Requests, long Bad)
{
    /// <summary>Null without requests.</summary>
    public double? Share => Requests > 0 ? (double)Bad / Requests : null;
}

/// <param name="At">Up to which minute requests are counted.</param>
/// <param name="PeriodDays">What the budgets are for.</param>
public sealed record ObjectivesView(DateTimeOffset At, double PeriodDays, ObjectiveView[] Objectives);

/// <param name="Name"><c>availability</c> or <c>latency</c>.</param>
/// <param name="State"><c>met</c>, <c>burning</c> (too fast, in both windows of a rule), <c>exhausted</c> (no budget is left) or
/// <c>no_traffic</c>.</param>
/// <param name="Target">The share of requests that are to be good.</param>
/// <param name="Seconds">Within which a request is to be answered; null where time is not what counts.</param>
/// <param name="Requests">In the period.</param>
/// <param name="Bad">Of them.</param>
/// <param name="BudgetLeft">The part of the period's error budget, below 0 where more than it is spent; null without requests.</param>
public sealed record ObjectiveView(
    string Name, string State, double Target, double? Seconds, long Requests, long Bad, double? BudgetLeft, BurnView[] Burns);

/// <summary>How fast a budget burns: 1 is as fast as spends it in the period. Null in a window without requests.</summary>
/// <param name="Limit">What neither rate may exceed.</param>
/// <param name="Priority">Of the alert: 1 to 3.</param>
public sealed record BurnView(
    string LongWindow, string ShortWindow, double? LongRate, double? ShortRate, double Limit, int Priority, bool IsBurning);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ObjectivesView))]
internal sealed partial class ObjectivesJson : JsonSerializerContext;
