using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>Names in Redis, all beneath one prefix.</summary>
public static class QueueKeys
{
    public const string WorkerGroup = "workers";

    /// <summary>Owner, in the group, of what was returned unstarted: the next to read gets it.</summary>
    public const string ReturnedConsumer = "returned";

    /// <summary>Owner, in the group, of what is to be tried again after a while.</summary>
    public const string RetryConsumer = "retry";

    /// <summary>Workers listen here for the word that a model version has new work.</summary>
    public const string WakeChannel = "inference:wake";

    /// <summary>Workers listen here for requests whose callers have left.</summary>
    public const string CancelChannel = "inference:cancel";

    /// <summary>Api replicas listen here for the ids of jobs whose state changed.</summary>
    public const string JobsChannel = "inference:jobs:changed";

    /// <summary>Since when Redis has had its data; gone with them.</summary>
    public const string Epoch = "inference:jobs:epoch";

    /// <summary>Levels of priority, and so streams of a queue.</summary>
    public const int Levels = 4;

    /// <summary>
    /// Where the bytes of a cached answer lie, in the same slot as the queue, so that admission can look there.
    /// </summary>
    public static string ResponseCache(string model, string version, string hash) => $"{Prefix(model, version)}:cache:{hash}";

    /// <summary>
    /// The keys that every script of a queue gets, in this order: the streams by <see cref="Priority"/>, the state (a hash of
    /// <c>bytes</c>, <c>removed</c>, <c>turn</c> and <c>returned</c>), the marks of cancelled requests, the dead letters.
    /// </summary>
    public static RedisKey[] All(QueueName queue)
    {
        var prefix = Prefix(queue.Model, queue.Version);
        return
        [
            $"{prefix}:queue:high", $"{prefix}:queue:normal", $"{prefix}:queue:low", $"{prefix}:queue:shadow",
            $"{prefix}:state", $"{prefix}:cancelled", $"{prefix}:dead",
        ];
    }

    public static string Replies(string apiReplica) => $"inference:replies:{apiReplica}";

    /// <summary>A part of an answer that is too large for a message; the braces keep its parts in one slot.</summary>
    public static string Answer(Guid request, int part) => $"inference:answers:{{{request:N}}}:{part}";

    // The braces keep all keys of one model version in one slot of a Redis Cluster.
    private static string Prefix(string model, string version) => $"inference:{{{model}/{version}}}";
}
