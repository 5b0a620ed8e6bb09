using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>
/// Keeps connections to a server that takes no writes out of the pool: after a failover the address may lead to the old primary, or a
/// standby, for a while, and a pooled connection to it would go on failing long after.
/// </summary>
public static class PrimaryOnly
{
    private const string Sql = "SHOW transaction_read_only";

    public static void RequirePrimary(this NpgsqlDataSourceBuilder database) => database.UsePhysicalConnectionInitializer(
        connection =>
        {
            using var command = new NpgsqlCommand(Sql, connection);
            Check(command.ExecuteScalar());
        },
        async connection =>
        {
            await using var command = new NpgsqlCommand(Sql, connection);
            Check(await command.ExecuteScalarAsync());
        });

    // One that Npgsql, and who waits for the server, takes for an outage.
    private static void Check(object? readOnly)
    {
        if (readOnly is "on")
        {
            const string Message = "Postgres takes no writes: it is a standby, or read-only";
            throw new NpgsqlException(Message, new IOException(Message));
        }
    }
}
