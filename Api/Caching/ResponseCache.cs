using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using StackExchange.Redis;

namespace InferenceTemplate.Api.Caching;

/// <summary>Answers kept in Redis, by version: for a time, and up to so many bytes, the oldest going first.</summary>
public sealed class ResponseCache(IConnectionMultiplexer redis)
{
    // KEYS: the entry, the index by age, the sum of bytes. ARGV: the answer, milliseconds to live, most bytes, the entry's name
    // in the index (size:hash), prefix of entries. All keys are in one slot: the braces of their names hold the version.
    // What Redis has let expire is taken off the index first; then the oldest go until the new one fits. Ages are in microseconds:
    // answers of one millisecond would be told apart by their hashes.
    private const string PutScript = """
        if redis.call('EXISTS', KEYS[1]) == 1 then
            return 0
        end
        local size, limit = #ARGV[1], tonumber(ARGV[3])
        if size > limit then
            return 0
        end
        local clock = redis.call('TIME')
        local now = clock[1] * 1000000 + clock[2]
        local function drop(name)
            local bytes, hash = string.match(name, '^(%d+):(.*)$')
            if redis.call('ZREM', KEYS[2], name) == 1 then
                redis.call('DEL', ARGV[5] .. hash)
                redis.call('DECRBY', KEYS[3], bytes)
            end
        end
        for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2] * 1000)) do
            drop(name)
        end
        while tonumber(redis.call('GET', KEYS[3]) or '0') + size > limit do
            local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
            if not oldest then
                redis.call('DEL', KEYS[3])
                break
            end
            drop(oldest)
        end
        if redis.call('ZADD', KEYS[2], now, ARGV[4]) == 1 then
            redis.call('INCRBY', KEYS[3], size)
        end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        redis.call('PEXPIRE', KEYS[2], ARGV[2])
        redis.call('PEXPIRE', KEYS[3], ARGV[2])
        return 1
        """;

    /// <summary>The cached response; null when there is none, or none that this release can read.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<InferenceReply?> GetAsync(ResponseCacheKey key)
    {
        try
        {
            var bytes = (byte[]?)await redis.GetDatabase().StringGetAsync(Entry(key));
            return bytes is null ? null : Decode(bytes);
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }

    /// <summary>Keeps an answer, unless one is kept already or it alone is larger than the bound.</summary>
    /// <returns>Whether it is kept now.</returns>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<bool> PutAsync(ResponseCacheKey key, InferenceReply reply, CacheSettings settings)
    {
        // Before it is copied: an answer may be far larger than any cache.
        if (reply.Outputs.Sum(o => (long)o.Data.Length) > settings.MaxBytes)
        {
            return false;
        }

        var bytes = Encode(reply);
        if (bytes.Length > settings.MaxBytes)
        {
            return false;
        }

        try
        {
            var kept = await redis.GetDatabase().ScriptEvaluateAsync(
                PutScript,
                [Entry(key), $"{Prefix(key)}index", $"{Prefix(key)}bytes"],
                [
                    bytes, (long)settings.TimeToLive.TotalMilliseconds, settings.MaxBytes, $"{bytes.Length}:{key.Hash}",
                    Prefix(key),
                ]);
            return (int)kept == 1;
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }

    // The form in which workers answer, for one answer.
    private static byte[] Encode(InferenceReply reply)
    {
        var batch = new ReplyBatch();
        batch.Add(
            reply.Id, reply.Outcome, reply.Error, reply.QueueTime, reply.ComputeTime, reply.BatchSize, reply.Worker, reply.Outputs.Length);
        foreach (var output in reply.Outputs)
        {
            batch.AddOutput(output.Name, output.Datatype, output.Shape, output.Data.Span);
        }

        return batch.ToMessage();
    }

    private static InferenceReply? Decode(byte[] bytes)
    {
        try
        {
            return ReplyBatch.Read(bytes)[0];
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static string Prefix(ResponseCacheKey key) => $"inference:{{{key.Model}/{key.Version}}}:cache:";

    private static string Entry(ResponseCacheKey key) => $"{Prefix(key)}{key.Hash}";
}
