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
}
