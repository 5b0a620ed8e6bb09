namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>
/// Marks a request whose caller left. The mark lasts as long as the request could; the entry stays where it is, since finding it in a
/// stream would cost more than passing over it.
/// </summary>
internal static class CancelScript
{
    // ARGV: id, now (ms), until (ms), cancel channel.
    private const string Mark = """
        redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', ARGV[2])
        redis.call('ZADD', KEYS[6], ARGV[3], ARGV[1])
        local last = redis.call('ZREVRANGE', KEYS[6], 0, 0, 'WITHSCORES')
        redis.call('PEXPIRE', KEYS[6], math.max(1, tonumber(last[2]) - tonumber(ARGV[2])))
        redis.call('PUBLISH', ARGV[4], ARGV[1])
        return 1
        """;

    public static RedisScript Script { get; } = new(Mark);
}
