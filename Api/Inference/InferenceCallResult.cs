using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;

namespace InferenceTemplate.Api.Inference;

/// <summary>How a call ended: a status, the words for an error, and the worker's answer where there was one.</summary>
/// <param name="RetryAfter">Seconds after which a refused caller may come again.</param>
internal sealed record InferenceCallResult(int Status, string? Error, InferenceReply? Reply, int RetryAfter = 1)
{
    /// <summary>A caller that left gets no answer; this is how its request is counted (the status that nginx gave such requests).</summary>
    public const int ClientClosedRequest = 499;

    /// <summary>An earlier request's answer, from the response cache.</summary>
    public bool IsKept { get; init; }

    /// <summary>
    /// Answered by an earlier run, or by one that another caller began; null where the model's answers are not cached.
    /// </summary>
    public bool? CacheHit { get; init; }

    /// <summary>How the caller's tenant stands; null where it has no limits that are counted.</summary>
    public TenantStanding? Standing { get; init; }

    /// <summary>
    /// Speaks against the version: no answer in time, no run, or an input that passed validation and that the model failed on.
    /// </summary>
    public bool IsFaultOfModel =>
        Status == StatusCodes.Status504GatewayTimeout
        || Reply is { Outcome: not (ReplyOutcome.Completed or ReplyOutcome.TooLarge or ReplyOutcome.Refused) };

    /// <summary>
    /// Says something of the version, good or bad. A refusal by the queue or of an input does not, nor does a caller who left.
    /// </summary>
    public bool IsOfModel => Reply is { Outcome: not ReplyOutcome.Refused } || IsFaultOfModel;

    /// <summary>The same, with a standing where it has none.</summary>
    public InferenceCallResult OrStanding(TenantStanding? standing) => Standing is null ? this with { Standing = standing } : this;

    public static InferenceCallResult Refused(int status, string error) => new(status, error, null);
}
