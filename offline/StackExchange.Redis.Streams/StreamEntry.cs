namespace StackExchange.Redis;

/// <summary>An entry of a stream.</summary>
public readonly struct StreamEntry(RedisValue id, NameValueEntry[] values, TimeSpan? idleTime, int deliveryCount)
{
    public StreamEntry(RedisValue id, NameValueEntry[] values)
        : this(id, values, idleTime: null, deliveryCount: 0)
    {
    }

    public static StreamEntry Null { get; } = new(RedisValue.Null, []);

    public RedisValue Id { get; } = id;

    /// <summary>Empty for an entry that was deleted after its delivery.</summary>
    public NameValueEntry[] Values { get; } = values;

    /// <summary>Known only where a read also claims.</summary>
    public TimeSpan? IdleTime { get; } = idleTime;

    public int DeliveryCount { get; } = deliveryCount;

    public bool IsNull => Id.IsNull && Values is not { Length: > 0 };

    /// <summary>The value of the first field of that name, or null.</summary>
    public RedisValue this[RedisValue fieldName]
    {
        get
        {
            foreach (var field in Values ?? [])
            {
                if (field.Name == fieldName)
                {
                    return field.Value;
                }
            }

            return RedisValue.Null;
        }
    }
}

/// <summary>A stream and the entries that one read of several streams gave of it.</summary>
public readonly struct RedisStream
{
    internal RedisStream(RedisKey key, StreamEntry[] entries) => (Key, Entries) = (key, entries);

    public RedisKey Key { get; }

    public StreamEntry[] Entries { get; }
}
