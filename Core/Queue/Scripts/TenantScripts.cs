namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>
/// A tenant's limits by themselves, for what does not pass the admission of a queue. KEYS and ARGV are those of
/// <see cref="TenantLua.Tenant"/>, from the first. No place is taken: what is counted here does not wait in a queue for its caller.
/// </summary>
public static class TenantScripts
{
    private const string TakeOne = """
        local limits = tenant(1, 1)
        local refusal = limits.refusal(false)
        if not refusal then
            limits.take(nil)
        end
        return { refusal or 1, limits.standing() }
        """;

    private const string Look = """
        local limits = tenant(1, 1)
        return { limits.refusal(false) or 1, limits.standing() }
        """;

    // Only where the month is known: a count below zero would be kept for ever, and refuse every request.
    private const string GiveBack = """
        local used = tonumber(redis.call('GET', KEYS[1]))
        if used and used > 0 then
            return redis.call('DECR', KEYS[1])
        end
        return -1
        """;

    private const string GiveAllBack = """
        local limits = tenant(1, 1)
        limits.give_back(ARGV[6])
        return { 1, limits.standing() }
        """;

    public static RedisScript Take { get; } = new(TenantLua.Tenant, TakeOne);

    public static RedisScript Peek { get; } = new(TenantLua.Tenant, Look);

    /// <summary>Undoes what admission counted for a request, which ARGV names behind the others: it was refused after all.</summary>
    public static RedisScript Undo { get; } = new(TenantLua.Tenant, GiveAllBack);

    /// <summary>Takes one back from a month's inferences. KEYS: the month. Answers what is left, -1 where nothing was known.</summary>
    public static RedisScript Refund { get; } = new(GiveBack);
}
