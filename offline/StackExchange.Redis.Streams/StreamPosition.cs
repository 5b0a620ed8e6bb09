namespace StackExchange.Redis;

/// <summary>Where to read a stream from.</summary>
public struct StreamPosition(RedisKey key, RedisValue position)
{
    private static readonly RedisValue s_beginning = "-";
    private static readonly RedisValue s_newMessages = "$";

    public static RedisValue Beginning => s_beginning;

    public static RedisValue NewMessages => s_newMessages;

    public RedisKey Key { get; } = key;

    public RedisValue Position { get; } = position;

    /// <summary>XREADGROUP spells "never delivered to this group" as <c>></c>, and the beginning as <c>0</c>.</summary>
    internal static RedisValue ForReadGroup(RedisValue? position) =>
        position is not { } value || value == s_newMessages ? ">" : value == s_beginning ? "0" : value;

    internal static RedisValue ForGroup(RedisValue? position) =>
        position is not { } value ? s_newMessages : value == s_beginning ? "0" : value;
}
