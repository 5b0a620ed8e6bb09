using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>
/// The lead of a task that one process does at a time, held until it is disposed. It is a transaction's lock and not a session's, which
/// suits PgBouncer's transaction mode and ends with the connection. Work that is not to keep rows locked for as long goes by other
/// connections.
/// </summary>
public sealed class LeaderLock : IAsyncDisposable
{
    private const string EndsWhenSilent = "SET LOCAL idle_in_transaction_session_timeout = '5min'";

    private LeaderLock(NpgsqlConnection connection, NpgsqlTransaction transaction, DateTimeOffset since) =>
        (Connection, Transaction, Since) = (connection, transaction, since);

    public NpgsqlConnection Connection { get; }

    public NpgsqlTransaction Transaction { get; }

    /// <summary>When it was taken, by Postgres' clock.</summary>
    public DateTimeOffset Since { get; }

    /// <param name="endsWhenSilent">
    /// Whether it ends where nothing is said over its connection for five minutes, as where the process hangs or its host is gone. Then two
    /// may be at the task for a while, where one of them is only slow.
    /// </param>
    /// <returns>Null where another process has it.</returns>
    /// <exception cref="NpgsqlException">Postgres is away or refused.</exception>
    public static async Task<LeaderLock?> TryTakeAsync(
        NpgsqlDataSource dataSource, string task, CancellationToken cancellationToken, bool endsWhenSilent = true)
    {
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands =
                {
                    new("SELECT now() WHERE pg_try_advisory_xact_lock(hashtext('inference.' || $1))")
                    {
                        Parameters = { new() { Value = task } },
                    },
                },
            };
            if (endsWhenSilent)
            {
                batch.BatchCommands.Add(new(EndsWhenSilent));
            }

            if (await batch.ExecuteScalarAsync(cancellationToken) is DateTime since)
            {
                return new LeaderLock(connection, transaction, new DateTimeOffset(since));
            }

            await connection.DisposeAsync();
            return null;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Rolls back what was not committed, and gives the lead away.</summary>
    public async ValueTask DisposeAsync()
    {
        await Transaction.DisposeAsync();
        await Connection.DisposeAsync();
    }
}
