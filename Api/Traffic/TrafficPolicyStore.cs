using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Changes of traffic policies. Each writes its decision with it, and none touches a model's other settings.</summary>
public sealed class TrafficPolicyStore(NpgsqlDataSource dataSource, TimeProvider time)
{
    private const string Set = """
        WITH changed AS (
            UPDATE models SET settings = jsonb_set(settings, '{traffic}', $2), updated_at = $3 WHERE name = $1 RETURNING name)
        INSERT INTO traffic_decisions (id, model, decided_at, action, actor, policy)
        SELECT $4, name, $3, $5, $6, $7 FROM changed
        """;

    // Fenced: nothing happens unless the canary is still the one that was judged, with the same weight, under the same policy.
    private const string RollBack = """
        WITH changed AS (
            UPDATE models
            SET settings = jsonb_set(jsonb_set(settings, '{traffic,canary}', 'null'), '{traffic,since}', to_jsonb($3::timestamptz)),
                updated_at = $3
            WHERE name = $1 AND settings #>> '{traffic,canary,version}' = $2
              AND (settings #>> '{traffic,canary,weight}')::float8 = $7
              AND (settings #>> '{traffic,since}')::timestamptz IS NOT DISTINCT FROM $8
            RETURNING name)
        INSERT INTO traffic_decisions (id, model, decided_at, action, actor, version, reason)
        SELECT $4, name, $3, 'rolled_back', $5, $2, $6 FROM changed
        """;

    private const string Recent = """
        SELECT id, model, decided_at, action, actor, version, reason, policy FROM traffic_decisions
        WHERE $1::varchar IS NULL OR model = $1 ORDER BY decided_at DESC LIMIT $2
        """;

    /// <summary>A model's policy as it is now; null when there is no such model.</summary>
    public async Task<TrafficPolicy?> FindAsync(string model, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "SELECT coalesce(settings -> 'traffic', '{}')::text FROM models WHERE name = $1");
        command.Parameters.AddWithValue(model);
        return await command.ExecuteScalarAsync(cancellationToken) is string json
            ? JsonSerializer.Deserialize(json, StoreJson.Default.TrafficPolicy)
            : null;
    }

    /// <summary>Replaces a model's policy; it counts from now.</summary>
    /// <param name="policy">Null for the default: no canary, no shadow, the highest version.</param>
    /// <returns>The policy as it is kept; null when there is no such model.</returns>
    public async Task<TrafficPolicy?> SetAsync(string model, TrafficPolicy? policy, string actor, CancellationToken cancellationToken)
    {
        // Postgres keeps microseconds: what is compared later must be as coarse from the start.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var kept = (policy ?? new TrafficPolicy()) with { Since = now };
        var json = JsonSerializer.Serialize(kept, StoreJson.Default.TrafficPolicy);
        await using var command = dataSource.CreateCommand(Set);
        command.Parameters.AddWithValue(model);
        command.Parameters.AddWithValue(NpgsqlDbType.Jsonb, json);
        command.Parameters.AddWithValue(now);
        command.Parameters.AddWithValue(Guid.CreateVersion7(now));
        command.Parameters.AddWithValue(policy is null ? "cleared" : "set");
        command.Parameters.AddWithValue(actor);
        command.Parameters.AddWithValue(NpgsqlDbType.Jsonb, policy is null ? DBNull.Value : json);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1 ? kept : null;
    }

    /// <summary>Takes a canary back, if it is still the one that was judged.</summary>
    /// <returns>False when somebody has changed the policy meanwhile; nothing was done then.</returns>
    public async Task<bool> RollBackAsync(string model, TrafficPolicy judged, string reason, CancellationToken cancellationToken)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        await using var command = dataSource.CreateCommand(RollBack);
        command.Parameters.AddWithValue(model);
        command.Parameters.AddWithValue(judged.Canary!.Version);
        command.Parameters.AddWithValue(now);
        command.Parameters.AddWithValue(Guid.CreateVersion7(now));
        command.Parameters.AddWithValue(TrafficDecision.Automatic);
        command.Parameters.AddWithValue(reason);
        command.Parameters.AddWithValue(judged.Canary.Weight);
        command.Parameters.AddWithValue(NpgsqlDbType.TimestampTz, judged.Since is { } since ? since : DBNull.Value);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>The latest decisions, newest first.</summary>
    /// <param name="model">Null for those of all models.</param>
    public async Task<IReadOnlyList<TrafficDecision>> DecisionsAsync(string? model, int count, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Recent);
        command.Parameters.AddWithValue(NpgsqlDbType.Varchar, model is null ? DBNull.Value : model);
        command.Parameters.AddWithValue(count);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var decisions = new List<TrafficDecision>();
        while (await row.ReadAsync(cancellationToken))
        {
            decisions.Add(new TrafficDecision
            {
                Id = row.GetGuid(0),
                Model = row.GetString(1),
                DecidedAt = await row.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken),
                Action = row.GetString(3),
                Actor = row.GetString(4),
                Version = await row.IsDBNullAsync(5, cancellationToken) ? null : row.GetString(5),
                Reason = await row.IsDBNullAsync(6, cancellationToken) ? null : row.GetString(6),
                Policy = await row.IsDBNullAsync(7, cancellationToken) ? null : row.GetString(7),
            });
        }

        return decisions;
    }
}
