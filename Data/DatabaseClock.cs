using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>Postgres' clock, by which all times in it are measured.</summary>
public static class DatabaseClock
{
    public static async Task<DateTimeOffset> NowAsync(this NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT clock_timestamp()");
        return new((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
    }
}
