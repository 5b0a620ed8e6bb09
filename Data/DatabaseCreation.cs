using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>
/// Makes the database that the connection names where the server has none: containers and operators are told to make it, and a server
/// that somebody else manages, or one whose data is older than that setting, is not.
/// </summary>
internal static class DatabaseCreation
{
    private const string Maintenance = "postgres";

    public static bool IsMissing(Exception exception) =>
        exception.GetBaseException() is PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName };

    /// <returns>False where another replica made it in the meantime, or is at it.</returns>
    /// <exception cref="DatabaseMissingException">The login may not, or can't reach the database from which it would.</exception>
    public static async Task<bool> CreateAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var there = dataSource.CreateConnection();
        var name = there.Database;
        var connection = new NpgsqlConnectionStringBuilder(there.ConnectionString) { Database = Maintenance, Pooling = false };
        try
        {
            // With the password, which a data source does not tell.
            await using var server = await there.CloneWithAsync(connection.ConnectionString, cancellationToken);
            await server.OpenAsync(cancellationToken);
            await using var create = new NpgsqlCommand($"CREATE DATABASE {Quoted(name)}", server) { CommandTimeout = 60 };
            await create.ExecuteNonQueryAsync(cancellationToken);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState is
            PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ObjectInUse)
        {
            return false;
        }
        catch (PostgresException exception) when (!exception.IsTransient)
        {
            throw new DatabaseMissingException(name, connection.Username, exception);
        }
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>The database is not there, and can't be made from here.</summary>
internal sealed class DatabaseMissingException(string database, string? login, PostgresException exception) : NpgsqlException(
    $"the server has no database '{database}', and the login '{login}' can't make it ({exception.MessageText}): have its administrator run "
    + $"CREATE DATABASE \"{database}\" OWNER \"{login}\"", exception);
