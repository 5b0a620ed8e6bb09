using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

internal static class RedisKeys
{
    /// <summary>
    /// Removes what FLUSHALL would, of one test's keys. By a script: the client's own scan gives up when the machine is busy.
    /// </summary>
    public static Task RemoveAsync(this IConnectionMultiplexer redis, string pattern) => redis.GetDatabase().ScriptEvaluateAsync(
        "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end", null, [pattern]);
}
