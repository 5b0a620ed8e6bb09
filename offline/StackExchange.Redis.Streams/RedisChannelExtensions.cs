namespace StackExchange.Redis;

/// <summary>Channels that say whether they are patterns, as 3.x wants them; 1.2.6 guesses from the text by default.</summary>
public static class RedisChannelExtensions
{
    extension(RedisChannel)
    {
        public static RedisChannel Literal(string value) => new(value, RedisChannel.PatternMode.Literal);

        public static RedisChannel Literal(byte[] value) => new(value, RedisChannel.PatternMode.Literal);

        public static RedisChannel Pattern(string value) => new(value, RedisChannel.PatternMode.Pattern);

        public static RedisChannel Pattern(byte[] value) => new(value, RedisChannel.PatternMode.Pattern);
    }
}
