using StackExchange.Redis;

namespace InferenceTemplate.Core.Tenants;

/// <summary>How a tenant stood after a request was counted, or refused.</summary>
/// <param name="Remaining">Requests that could come now; 0 where there is no rate.</param>
/// <param name="FullAfter">Until as many as possible could come at once again.</param>
/// <param name="RetryAfter">Until one more request could come.</param>
/// <param name="InFlight">Calls that wait or run; -1 where they are not counted.</param>
/// <param name="Inferences">In this month; -1 where they are not counted.</param>
public sealed record TenantStanding(long Remaining, TimeSpan FullAfter, TimeSpan RetryAfter, long InFlight, long Inferences)
{
    /// <summary>Reads what <c>tenant.lua</c> answers.</summary>
    public static TenantStanding Read(ReadOnlySpan<RedisResult> answer) => new(
        (long)answer[0],
        TimeSpan.FromMicroseconds((long)answer[1]),
        TimeSpan.FromMicroseconds((long)answer[2]),
        (long)answer[3],
        (long)answer[4]);
}
