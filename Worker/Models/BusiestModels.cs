using InferenceTemplate.Worker.ModelCache;
using Npgsql;

namespace InferenceTemplate.Worker.Models;

/// <summary>Which model versions were asked most, by the prediction records.</summary>
internal sealed class BusiestModels(NpgsqlDataSource database, TimeProvider time)
{
    // Whoever was busy an hour ago is likely to be now; at night the day says more.
    private static readonly TimeSpan[] Periods = [TimeSpan.FromHours(1), TimeSpan.FromDays(1)];

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
        // The index on received_at carries model and version, so that no row is read.
        await using var command = database.CreateCommand(
            "SELECT model, version FROM predictions WHERE received_at > $1 GROUP BY model, version ORDER BY count(*) DESC, model, version LIMIT $2");
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
