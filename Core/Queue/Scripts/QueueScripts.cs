namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>What is done to a queue, each in one step; each <c>.lua</c> file says what it does and which arguments it takes.</summary>
internal static class QueueScripts
{
    private static readonly RedisScript[] s_admissions =
    [
        .. from limited in new[] { false, true }
           from cached in new[] { false, true }
           from queued in new[] { false, true }
           select Of(
           [
               .. limited ? ["tenant", "limited"] : (string[])["unlimited"],
               .. cached ? ["cached"] : (string[])[],
               .. queued ? ["queue", "bounds", "admit"] : (string[])["pass"],
           ]),
    ];

    public static RedisScript AdmitMany { get; } = Of("queue", "bounds", "admit-many");

    public static RedisScript Take { get; } = Of("queue", "settle", "take");

    public static RedisScript Keep { get; } = Of("queue", "owner", "keep");

    public static RedisScript Nack { get; } = Of("queue", "owner", "nack");

    public static RedisScript Remove { get; } = Of("queue", "settle", "owner", "remove");

    public static RedisScript Cancel { get; } = Of("queue", "cancel");

    public static RedisScript Stats { get; } = Of("queue", "stats");

    public static RedisScript DeadLetter { get; } = Of("queue", "settle", "owner", "dead-letter");

    public static RedisScript Requeue { get; } = Of("queue", "bounds", "requeue");

    public static RedisScript Withdraw { get; } = Of("queue", "settle", "withdraw");

    public static RedisScript Jobs { get; } = Of("queue", "jobs");

    public static RedisScript Epoch { get; } = Of("epoch");

    public static RedisScript Memory { get; } = Of("memory");

    /// <summary>
    /// Admission in one round trip. Its parts run in order and each may answer: the tenant's limits where it has some, the cached
    /// response, then the bounds, then the entry is added. A further reason to refuse is a further part before the bounds.
    /// </summary>
    /// <param name="limited">Whether the tenant's keys and values come last.</param>
    /// <param name="cached">Whether the key of the cached response comes behind those of the queue.</param>
    /// <param name="queued">Whether the request is queued, and not sent to a worker directly.</param>
    public static RedisScript Admit(bool limited, bool cached, bool queued) =>
        s_admissions[(limited ? 4 : 0) + (cached ? 2 : 0) + (queued ? 1 : 0)];

    private static RedisScript Of(params string[] parts) => new(typeof(QueueScripts), parts);
}
