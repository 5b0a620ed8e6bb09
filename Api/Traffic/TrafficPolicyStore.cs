using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Changes of traffic policies. Each writes its decision with it, and none touches a model's other settings.</summary>
public sealed class TrafficPolicyStore(NpgsqlDataSource dataSource, ModelRegistry registry, TimeProvider time)
{
    // A model whose versions are all deleted is none.
    private const string Find = """
        SELECT coalesce(settings -> 'traffic', '{}')::text FROM models
        WHERE name = $1 AND EXISTS (SELECT FROM model_versions WHERE model = $1 AND deleted_at IS NULL)
        """;

    // Fenced: nothing happens unless the canary is still the one that was judged, with the same weight, under the same policy.
    private const string RollBack = """
        WITH changed AS (
            UPDATE models
            SET settings = jsonb_set(settings, '{traffic}', (settings -> 'traffic')
                    || jsonb_build_object('canary', NULL, 'rollback', NULL, 'since', $3::timestamptz)),
                updated_at = $3
            WHERE name = $1 AND settings #>> '{traffic,canary,version}' = $2
              AND (settings #>> '{traffic,canary,weight}')::float8 = $7
              AND (settings #>> '{traffic,since}')::timestamptz IS NOT DISTINCT FROM $8
            RETURNING name)
        INSERT INTO traffic_decisions (id, model, decided_at, action, actor, version, reason)
        SELECT $4, name, $3, 'rolled_back', $5, $2, $6 FROM changed
        """;

    // The stable version is a matter of traffic too: who promoted or rolled back, the model's history has.
    private const string Recent = """
        (SELECT model, decided_at, action, actor, version, reason, policy FROM traffic_decisions
         WHERE $1::varchar IS NULL OR model = $1 ORDER BY decided_at DESC LIMIT $2)
        UNION ALL
        (SELECT model, at, CASE kind WHEN $3 THEN $5 ELSE kind END, actor, version, details, NULL FROM model_events
         WHERE kind IN ($3, $4) AND ($1::varchar IS NULL OR model = $1) ORDER BY at DESC LIMIT $2)
        ORDER BY decided_at DESC LIMIT $2
        """;

    /// <summary>A model's policy as it is now; null when there is no such model.</summary>
    public async Task<TrafficPolicy?> FindAsync(string model, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Find);
        command.Parameters.AddWithValue(model);
        return await command.ExecuteScalarAsync(cancellationToken) is string json
            ? JsonSerializer.Deserialize(json, StoreJson.Default.TrafficPolicy)
            : null;
    }

    /// <summary>Replaces a model's policy; it counts from now.</summary>
    /// <param name="policy">Null for the default: no canary, no shadow, the highest version.</param>
    /// <returns>The policy as it is kept, or why it is not.</returns>
    public async Task<(TrafficPolicy? Kept, RegistryProblem? Problem)> SetAsync(
        string model, TrafficPolicy? policy, string actor, CancellationToken cancellationToken)
    {
        TrafficPolicy? kept = null;
        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                // What the caller looked at may be a second old.
                var ready = await change.ReadyAsync(cancellationToken);
                foreach (var (field, version) in policy?.Versions() ?? [])
                {
                    if (!ready.Any(v => v.Version == version))
                    {
                        return RegistryProblem.Invalid(field, $"there is no version '{version}' that is ready");
                    }
                }

                kept = change.Decide(policy, ready, actor);
                return null;
            },
            cancellationToken);
        return (kept, problem);
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

    /// <summary>The latest decisions, and changes of the stable version, newest first.</summary>
    /// <param name="model">Null for those of all models.</param>
    public async Task<IReadOnlyList<DecisionStatus>> DecisionsAsync(string? model, int count, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Recent);
        command.Parameters.AddWithValue(NpgsqlDbType.Varchar, model is null ? DBNull.Value : model);
        command.Parameters.AddWithValue(count);
        command.Parameters.AddWithValue(ModelEventKinds.RolledBack);
        command.Parameters.AddWithValue(ModelEventKinds.Promoted);
        command.Parameters.AddWithValue(DecisionStatus.StableRolledBack);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var decisions = new List<DecisionStatus>();
        while (await row.ReadAsync(cancellationToken))
        {
            string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);

            // Earlier releases wrote no reason.
            var reason = Text(5) ?? (Text(6) is { } policy
                ? TrafficChange.Of(new TrafficPolicy(), JsonSerializer.Deserialize(policy, StoreJson.Default.TrafficPolicy)) : null);
            decisions.Add(new DecisionStatus(
                row.GetString(0), await row.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken), row.GetString(2), row.GetString(3),
                Text(4), reason));
        }

        return decisions;
    }
}
