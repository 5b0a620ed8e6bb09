using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Jobs;

/// <summary>What somebody wants done, validated, before it is accepted.</summary>
/// <param name="RequestedOutputs">Empty for all.</param>
/// <param name="Timeout">Null for <see cref="JobOptions.DefaultTimeout"/>; more than <see cref="JobOptions.MaxTimeout"/> counts as
/// that.</param>
/// <param name="RequestId">The caller's id of the request, for the result.</param>
/// <param name="IdempotencyKey">At most one job of a tenant has it; with it goes <paramref name="RequestHash"/>.</param>
/// <param name="RequestHash">SHA-256 of what is asked, by which a repetition is told from another request.</param>
/// <param name="RequestedModel">What the caller named; null where that is <paramref name="Model"/> itself.</param>
public sealed record NewJob(
    string TenantId,
    string Model,
    string Version,
    Priority Priority,
    Tensor[] Inputs,
    string[] RequestedOutputs,
    TimeSpan? Timeout = null,
    string? RequestId = null,
    string? IdempotencyKey = null,
    byte[]? RequestHash = null,
    string? RequestedModel = null);

public enum JobAcceptanceOutcome
{
    /// <summary>Committed: it ends in a terminal state, whatever dies.</summary>
    Accepted,

    /// <summary>The idempotency key was used for the same request before: that job stands for this one.</summary>
    Replayed,

    /// <summary>The idempotency key was used for another request.</summary>
    KeyReused,

    /// <summary>The tenant has <see cref="JobOptions.MaxPendingPerTenant"/> jobs that are not finished.</summary>
    TooManyPending,

    /// <summary>
    /// More jobs wait to be written than <see cref="JobOptions.WriteBacklog"/> or <see cref="JobOptions.WriteBacklogBytes"/> allow.
    /// </summary>
    Busy,
}

/// <param name="Id">Of the job accepted or found; empty where there is none.</param>
/// <param name="Job">The job as it was accepted; null for any other outcome.</param>
public sealed record JobAcceptance(JobAcceptanceOutcome Outcome, Guid Id = default, JobFacts? Job = null);
