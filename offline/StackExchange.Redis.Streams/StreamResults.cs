namespace StackExchange.Redis;

/// <summary>What XAUTOCLAIM claimed, and where the next call should go on (<c>0-0</c> after the last).</summary>
public readonly struct StreamAutoClaimResult
{
    internal StreamAutoClaimResult(RedisValue nextStartId, StreamEntry[] claimedEntries, RedisValue[] deletedIds) =>
        (NextStartId, ClaimedEntries, DeletedIds) = (nextStartId, claimedEntries, deletedIds);

    public static StreamAutoClaimResult Null { get; } = new(RedisValue.Null, [], []);

    public bool IsNull => NextStartId.IsNull && ClaimedEntries is not { Length: > 0 } && DeletedIds is not { Length: > 0 };

    public RedisValue NextStartId { get; }

    public StreamEntry[] ClaimedEntries { get; }

    /// <summary>Were pending, but are no longer in the stream; Redis has dropped them from the group.</summary>
    public RedisValue[] DeletedIds { get; }
}

/// <summary>An entry delivered to a consumer and not yet acknowledged.</summary>
public readonly struct StreamPendingMessageInfo
{
    internal StreamPendingMessageInfo(RedisValue messageId, RedisValue consumerName, long idleTimeInMs, int deliveryCount) =>
        (MessageId, ConsumerName, IdleTimeInMilliseconds, DeliveryCount) = (messageId, consumerName, idleTimeInMs, deliveryCount);

    public RedisValue MessageId { get; }

    public RedisValue ConsumerName { get; }

    public long IdleTimeInMilliseconds { get; }

    public int DeliveryCount { get; }
}

/// <summary>A consumer of a group.</summary>
public readonly struct StreamConsumerInfo
{
    internal StreamConsumerInfo(string name, int pendingMessageCount, long idleTimeInMilliseconds) =>
        (Name, PendingMessageCount, IdleTimeInMilliseconds) = (name, pendingMessageCount, idleTimeInMilliseconds);

    public string Name { get; }

    public int PendingMessageCount { get; }

    public long IdleTimeInMilliseconds { get; }
}

/// <summary>What becomes of consumer groups' references to trimmed entries; Redis before 8.2 knows the first only.</summary>
public enum StreamTrimMode
{
    KeepReferences = 0,
    DeleteReferences = 1,
    Acknowledged = 2,
}
