namespace StackExchange.Redis;

/// <summary>The arguments of a command, in order; an option that is not set takes no place.</summary>
internal static class StreamArguments
{
    public static List<object> WithOption(this List<object> arguments, string name, RedisValue value)
    {
        // A null number arrives here as RedisValue.Null, not as an absent value.
        if (!value.IsNull)
        {
            arguments.Add((RedisValue)name);
            arguments.Add(value);
        }

        return arguments;
    }

    public static List<object> With(this List<object> arguments, params ReadOnlySpan<RedisValue> values)
    {
        foreach (var value in values)
        {
            arguments.Add(value);
        }

        return arguments;
    }

    public static List<object> WithMaxLength(this List<object> arguments, long? maxLength, bool approximate, long? limit) =>
        maxLength is { } threshold
            ? arguments.With("MAXLEN", approximate ? "~" : "=", threshold).WithOption("LIMIT", limit)
            : arguments;

    /// <summary>The default is left unsaid: servers before 8.2 do not know the word.</summary>
    public static List<object> WithTrimMode(this List<object> arguments, StreamTrimMode mode) =>
        mode == StreamTrimMode.KeepReferences
            ? arguments
            : arguments.With(mode == StreamTrimMode.DeleteReferences ? "DELREF" : "ACKED");

    /// <summary>The part of XREADGROUP before the streams' names.</summary>
    public static List<object> ReadGroup(RedisValue groupName, RedisValue consumerName, int? count, bool noAck, TimeSpan? claimMinIdleTime)
    {
        RequirePositive(count, nameof(count));
        var arguments = new List<object>().With("GROUP", groupName, consumerName).WithOption("COUNT", count);
        if (noAck)
        {
            arguments.With("NOACK");
        }

        return arguments.WithOption("CLAIM", (long?)claimMinIdleTime?.TotalMilliseconds);
    }

    public static void RequirePositive(int? count, string name)
    {
        if (count is { } number)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(number, name);
        }
    }
}
