using InferenceTemplate.Core.Tenants;

namespace InferenceTemplate.Core.Queue;

public enum EnqueueOutcome
{
    /// <summary>The model version's queue is at <see cref="QueueOptions.MaxDepth"/>.</summary>
    Full = 0,

    Enqueued = 1,

    /// <summary>The answer was cached: nothing is queued.</summary>
    Cached = 2,

    /// <summary>With this request the queue would hold more than <see cref="QueueOptions.MaxBytes"/>.</summary>
    FullOfBytes = 3,

    /// <summary>The request by itself is larger than <see cref="QueueOptions.MaxBytes"/>: it will never be admitted.</summary>
    TooLarge = 4,

    /// <summary>The deadline had passed.</summary>
    Expired = 5,

    /// <summary>The tenant has had its requests for now.</summary>
    OverRate = 6,

    /// <summary>As many of the tenant's requests wait or run as may.</summary>
    OverConcurrency = 7,

    /// <summary>The tenant has had its inferences for this month.</summary>
    OverQuota = 8,

    /// <summary>Redis does not know how many inferences the tenant has had this month: load them and ask again.</summary>
    UnknownMonth = 9,
}

/// <summary>What else admission looks at, in the same round trip.</summary>
/// <param name="CacheKey">
/// A key of <see cref="QueueKeys.ResponseCache"/>; where it exists its bytes are the answer and nothing is queued.
/// </param>
/// <param name="Tenant">Whose limits the request counts against; null where it counts against none.</param>
public sealed record AdmissionExtras(string? CacheKey = null, TenantAccount? Tenant = null);

/// <summary>What admission decided, and how the queue stood then.</summary>
/// <param name="Depth">Requests waiting or running, this one included.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="Removed">Requests that have left the queue since Redis was last empty: its growth is the drain rate.</param>
/// <param name="Shed">Shadow requests that made way.</param>
/// <param name="CachedAnswer">The cached bytes; null unless <see cref="EnqueueOutcome.Cached"/>.</param>
/// <param name="Standing">How the tenant stands; null where its limits were not asked for.</param>
public sealed record Admission(
    EnqueueOutcome Outcome, long Depth, long Bytes, long Removed, int Shed = 0, byte[]? CachedAnswer = null,
    TenantStanding? Standing = null)
{
    /// <summary>The tenant's limits refused it; nothing was learned of the queue.</summary>
    public bool IsOverLimit => Outcome is >= EnqueueOutcome.OverRate and <= EnqueueOutcome.UnknownMonth;
}
