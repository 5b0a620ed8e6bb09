using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Queue.Scripts;
using StackExchange.Redis;

namespace InferenceTemplate.Api.Caching;

/// <summary>Answers kept in Redis, by version: for a time, and up to so many bytes, the oldest going first.</summary>
public sealed class ResponseCache(IConnectionMultiplexer redis)
{
    private static readonly RedisScript s_put = new(typeof(ResponseCache), "put");

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
            var kept = await s_put.EvaluateAsync(
                redis.GetDatabase(),
                [Entry(key), $"{Prefix(key)}index", $"{Prefix(key)}bytes"],
                bytes,
                (long)settings.TimeToLive.TotalMilliseconds,
                settings.MaxBytes,
                $"{bytes.Length}:{key.Hash}",
                Prefix(key));
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
