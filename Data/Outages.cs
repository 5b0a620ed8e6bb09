using System.Net.Sockets;
using InferenceTemplate.Core.Queue;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>What an exception says of the servers behind the platform.</summary>
public static class Outages
{
    /// <summary>
    /// Postgres can't be reached, is not ready or takes no writes, or has ended the session, as PgBouncer does in its place. EF Core wraps that in exceptions of its own, for a save in two; Npgsql
    /// does not wrap that its host has no address.
    /// </summary>
    public static bool IsDatabaseAway(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is NpgsqlException { IsTransient: true } or PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction }
                or SocketException || (inner is PostgresException ended && EndsSession(ended)))
            {
                return true;
            }

            // What others wrap is theirs to judge.
            if (inner is not (InvalidOperationException or DbUpdateException))
            {
                return false;
            }
        }

        return false;
    }

    // Not where it says that it knows neither the login nor the database: that stays so.
    private static bool EndsSession(PostgresException exception) => exception.Severity is "FATAL" or "PANIC"
        && !exception.SqlState.StartsWith("28", StringComparison.Ordinal) && !exception.SqlState.StartsWith("3D", StringComparison.Ordinal);

    /// <summary>Postgres is away, or has refused.</summary>
    public static bool IsOfDatabase(Exception exception) => exception is NpgsqlException || IsDatabaseAway(exception);

    /// <summary>Postgres takes no U+0000 in a text.</summary>
    public static bool IsTextRefused(Exception exception) =>
        exception is PostgresException
        {
            SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter,
        }
        || (exception is InvalidOperationException or DbUpdateException && exception.InnerException is { } inner && IsTextRefused(inner));

    /// <summary>Redis can't be reached or refuses.</summary>
    public static bool IsQueueAway(Exception exception) => exception is QueueUnavailableException;
}
