using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>Redis is away, loading, full or read-only: nothing can be queued now.</summary>
public sealed class QueueUnavailableException(Exception inner)
    : Exception("The queue is unavailable.", inner)
{
    public static bool Covers(Exception exception) =>
        exception is RedisException or TimeoutException or ObjectDisposedException;
}
