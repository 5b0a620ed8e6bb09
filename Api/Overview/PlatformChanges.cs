using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Overview;

/// <summary>
/// <c>GET /v1/overview/changes</c>: what was done to models and their traffic, so that a bend in a chart finds its cause.
/// </summary>
internal static class PlatformChanges
{
    /// <summary>The newest ones; a page that shows more helps nobody.</summary>
    private const int Most = 100;

    // What changes no answer and no latency is left out.
    private static readonly string[] s_silent =
    [
        ModelEventKinds.Labelled, ModelEventKinds.SampleSet, ModelEventKinds.SampleRemoved, ModelEventKinds.Uploaded,
        ModelEventKinds.BaselineFixed, ModelEventKinds.PayloadChanged,
    ];

    private const string Read = """
        SELECT at, kind, model, version, actor, details, policy FROM (
            SELECT at, kind, model, version, actor, details, NULL::text AS policy FROM model_events
            WHERE at >= $1 AND kind <> ALL($2) AND ($3::text[] IS NULL OR model = ANY($3))
            UNION ALL
            SELECT decided_at, 'traffic_' || action, model, version, actor, reason, policy::text
            FROM traffic_decisions WHERE decided_at >= $1 AND ($3::text[] IS NULL OR model = ANY($3))) AS changes
        ORDER BY at DESC LIMIT $4
        """;

    public static async Task<Results<JsonHttpResult<PlatformChangesView>, ProblemHttpResult>> GetAsync(
        string? range, string? model, ClaimsPrincipal caller, NpgsqlDataSource dataSource, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (TrafficHistory.LengthOf(range) is not { } length)
        {
            return TrafficHistory.Unknown(range);
        }

        await using var command = dataSource.CreateCommand(Read);
        command.Parameters.AddWithValue(time.GetUtcNow() - length);
        command.Parameters.AddWithValue(s_silent);
        // What a caller may see comes before the bound. A model beyond the scope is answered as one that there is not.
        var models = ModelScope.Narrow(model is null ? null : [model], caller.Models());
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = (object?)models ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
        });
        command.Parameters.AddWithValue(Most);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var changes = new List<PlatformChange>();
        while (await row.ReadAsync(cancellationToken))
        {
            string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);
            changes.Add(Of(
                new PlatformChange(
                    row.GetFieldValue<DateTimeOffset>(0), row.GetString(1), row.GetString(2), Text(3), row.GetString(4), Text(5)),
                Text(6)));
        }

        return TypedResults.Json(new PlatformChangesView([.. changes]), PlatformChangesJson.Default.PlatformChangesView);
    }

    // Which trial a policy that was set begins with; none ends the one before it.
    private static PlatformChange Of(PlatformChange change, string? policy) =>
        policy is null ? change : JsonSerializer.Deserialize(policy, StoreJson.Default.TrafficPolicy) switch
        {
            { Canary: { } canary } => change with { Kind = "canary_set", Version = canary.Version, Details = Percent(canary.Weight) },
            { Shadow: { } shadow } => change with { Kind = "shadow_set", Version = shadow.Version, Details = Percent(shadow.Sample) },
            { Stable: { } stable } => change with { Version = stable },
            _ => change,
        };

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.##} % of requests");
}

/// <param name="Changes">At most 100, the newest first.</param>
internal sealed record PlatformChangesView(PlatformChange[] Changes);

/// <param name="Kind">
/// As a model's history has it, or <c>canary_set</c>, <c>shadow_set</c>, <c>traffic_set</c> (no trial), <c>traffic_cleared</c>,
/// <c>traffic_rolled_back</c>.
/// </param>
internal sealed record PlatformChange(DateTimeOffset At, string Kind, string Model, string? Version, string Actor, string? Details);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PlatformChangesView))]
internal sealed partial class PlatformChangesJson : JsonSerializerContext;
