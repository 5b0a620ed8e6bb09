using System.Reflection;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>
/// Which migrations the database has, read without EF Core: making its model takes a second of a process' start, and most starts find
/// nothing to do.
/// </summary>
internal static class AppliedMigrations
{
    private static readonly string[] s_known =
    [
        .. typeof(AppliedMigrations).Assembly.GetTypes().Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id).OfType<string>(),
    ];

    /// <summary>How many of the migrations that this build knows the database lacks.</summary>
    public static async Task<int> PendingAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var exists = new NpgsqlCommand("""SELECT to_regclass('"__EFMigrationsHistory"') IS NOT NULL""", connection);
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return s_known.Length;
        }

        await using var missing = new NpgsqlCommand(
            """SELECT count(*) FROM unnest($1) AS known(id) WHERE id NOT IN (SELECT "MigrationId" FROM "__EFMigrationsHistory")""",
            connection);
        missing.Parameters.AddWithValue(s_known);
        return (int)(long)(await missing.ExecuteScalarAsync(cancellationToken))!;
    }
}
