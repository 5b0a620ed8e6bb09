using System.Net.Sockets;
using InferenceTemplate.Core.Queue;
using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>What an exception says of the servers behind the platform.</summary>
public static class Outages
{
    /// <summary>
    /// Postgres can't be reached or is not ready. EF Core wraps that in an exception of its own; Npgsql does not wrap that its host has no
    /// address.
    /// </summary>
    public static bool IsDatabaseAway(Exception exception) => exception
        is NpgsqlException { IsTransient: true }
        or SocketException
        or InvalidOperationException { InnerException: NpgsqlException { IsTransient: true } or SocketException };

    /// <summary>Redis can't be reached or refuses.</summary>
    public static bool IsQueueAway(Exception exception) => exception is QueueUnavailableException;
}
