namespace InferenceTemplate.Inference.Queue;

/// <summary>Names in Redis, all beneath one prefix.</summary>
internal static class QueueKeys
{
    public const string WorkerGroup = "workers";

    /// <summary>Workers listen here for the word that a stream has new work.</summary>
    public const string WakeChannel = "inference:wake";

    // The braces keep all keys of one model version in one slot of a Redis Cluster.
    public static string Stream(string model, string version) => $"inference:{{{model}/{version}}}:queue";

    public static string Replies(string apiReplica) => $"inference:replies:{apiReplica}";

    /// <summary>Api replicas listen here for the ids of jobs whose state changed.</summary>
    public const string JobsChannel = "inference:jobs:changed";

    /// <summary>Since when Redis has had its data; gone with them.</summary>
    public const string Epoch = "inference:jobs:epoch";
}
