namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>
/// Admission in one round trip. Its parts run in order and each may answer: the tenant's limits where it has some, the cached
/// response, then the bounds, then the entry is added. A further reason to refuse is a further part before the bounds.
/// </summary>
internal static class AdmitScript
{
    // KEYS[8] is there only in the scripts that look into the cache.
    private const string Cache = """
        local cached = redis.call('GET', KEYS[8])
        if cached then
            return { 2, 0, 0, 0, 0, cached }
        end
        """;

    // ARGV: level, request, id, deadline, kind, most entries, most bytes, group, wake channel, queue's name.
    private const string Admit = """
        local level = tonumber(ARGV[1])
        local answer = check(level, #ARGV[2], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8])
        if answer == 1 then
            add(level, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[10])
        end
        return { answer, waiting, bytes, removed, shed }
        """;

    // The tenant's keys are the last three; its arguments follow those of the queue.
    private const string Limits = """
        local limits = tenant(#KEYS - 2, 11)
        local refusal = limits.refusal(true)
        if refusal then
            return { refusal, 0, 0, 0, 0, false, limits.standing() }
        end
        """;

    // A cached answer is a request, but waits for nothing.
    private const string LimitedCache = """
        local cached = redis.call('GET', KEYS[8])
        if cached then
            limits.take(nil)
            return { 2, 0, 0, 0, 0, cached, limits.standing() }
        end
        """;

    private const string LimitedAdmit = """
        local level = tonumber(ARGV[1])
        local answer = check(level, #ARGV[2], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8])
        if answer == 1 then
            add(level, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[10])
            limits.take(ARGV[3])
        end
        return { answer, waiting, bytes, removed, shed, false, limits.standing() }
        """;

    // A request that goes to a worker directly is counted here, and not queued.
    private const string Pass = """
        return { 1, 0, 0, 0, 0 }
        """;

    private const string LimitedPass = """
        limits.take(ARGV[3])
        return { 1, 0, 0, 0, 0, false, limits.standing() }
        """;

    public static RedisScript Plain { get; } = new(LuaParts.Depth, LuaParts.Bounds, LuaParts.Add, Admit);

    public static RedisScript WithCache { get; } = new(Cache, LuaParts.Depth, LuaParts.Bounds, LuaParts.Add, Admit);

    public static RedisScript Limited { get; } =
        new(TenantLua.Tenant, Limits, LuaParts.Depth, LuaParts.Bounds, LuaParts.Add, LimitedAdmit);

    public static RedisScript LimitedWithCache { get; } =
        new(TenantLua.Tenant, Limits, LimitedCache, LuaParts.Depth, LuaParts.Bounds, LuaParts.Add, LimitedAdmit);

    public static RedisScript PassWithCache { get; } = new(Cache, Pass);

    public static RedisScript PassLimited { get; } = new(TenantLua.Tenant, Limits, LimitedPass);

    public static RedisScript PassLimitedWithCache { get; } = new(TenantLua.Tenant, Limits, LimitedCache, LimitedPass);
}
