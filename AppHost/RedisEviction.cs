namespace InferenceTemplate.AppHost;

internal static class RedisEviction
{
    /// <summary>Queues and accounts are no cache: a Redis that is full refuses, and evicts nothing. Its default, said aloud.</summary>
    public static IResourceBuilder<RedisResource> WithoutEviction(this IResourceBuilder<RedisResource> redis) => redis.WithArgs(context =>
    {
        // The line that a shell runs in the container; the process of a machine without containers has a file.
        if (context.Args is [.., string line] && line.StartsWith("redis-server", StringComparison.Ordinal))
        {
            context.Args[^1] = $"{line} --maxmemory-policy noeviction";
        }
    });
}
