using InferenceTemplate.Worker.ModelCache;
using Npgsql;

namespace InferenceTemplate.Worker.Models;

/// <summary>Which model versions were asked most, by the prediction records.</summary>
internal sealed class BusiestModels(NpgsqlDataSource database, TimeProvider time)
{
    // Whoever was busy an hour ago is likely to be now; at night the day says more.
    private static readonly TimeSpan[] Periods = [TimeSpan.FromHours(1), TimeSpan.FromDays(1)];

    // The index on received_at carries model and version, so that no row is read but those of the few that got no result, which have an
    // index of their own.
    private const string Answered = """
        SELECT model, version
        FROM (SELECT model, version, count(*) AS requests FROM predictions WHERE received_at > $1 GROUP BY model, version) AS asked
        LEFT JOIN (
            SELECT model, version, count(*) AS failures FROM predictions WHERE received_at > $1 AND status <> 200 GROUP BY model, version
        ) AS failed USING (model, version)
        WHERE requests > coalesce(failures, 0)
        ORDER BY requests - coalesce(failures, 0) DESC, model, version LIMIT $2
        """;

    // Preloading is a convenience: a start does not wait long for it.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>The busiest first, of the last hour or else of the last day.</summary>
    /// <exception cref="NpgsqlException">Postgres can't be asked, or takes too long.</exception>
    public async Task<IReadOnlyList<ModelKey>> FindAsync(int count, CancellationToken cancellationToken)
    {
        foreach (var period in Periods)
        {
            var found = await SinceAsync(time.GetUtcNow() - period, count, cancellationToken);
            if (found.Count > 0)
            {
                return found;
            }
        }

        return [];
    }

    private async Task<IReadOnlyList<ModelKey>> SinceAsync(DateTimeOffset since, int count, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Answered);
        command.CommandTimeout = (int)Longest.TotalSeconds;
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = since });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        var found = new List<ModelKey>();
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            found.Add(new ModelKey(rows.GetString(0), rows.GetString(1)));
        }

        return found;
    }
}
