
namespace InferenceTemplate.Data;

/// <summary>
/// A batch: its lines are <see cref="BatchLine"/>s. Written by the Api's slice BatchJobs alone.
/// </summary>
public sealed class Batch
{
    /// <summary>A version 7 UUID, so that ids sort by the time of arrival.</summary>
    public Guid Id { get; init; }

    public required string TenantId { get; init; }

    /// <summary>Of the API key that sent it; its lines run as that caller's.</summary>
    public required string KeyId { get; init; }

    /// <summary>The key's name and role.</summary>
    public required string KeyName { get; init; }

    public required string Role { get; init; }

    /// <summary>W3C trace context of the request that sent it, under which its lines run; null for one of an older release.</summary>
    public string? TraceParent { get; init; }

    public BatchState State { get; init; }

    /// <summary>Lines that are not blank.</summary>
    public int Total { get; init; }

    public int Completed { get; init; }

    public int Failed { get; init; }

    /// <summary>How often it was claimed. Only ever grows: it is the fence of every write of a run.</summary>
    public int Attempt { get; init; }

    /// <summary>Until then it is the replica's that receives or runs it.</summary>
    public DateTimeOffset? LeaseUntil { get; init; }

    /// <summary>When a replica last gave it back unfinished: those that were not tried lately go first.</summary>
    public DateTimeOffset? YieldedAt { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>When it expires unless it has ended.</summary>
    public DateTimeOffset DeadlineAt { get; init; }

    /// <summary>After this its lines are gone; null until it has ended.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Those that its lines name: whoever may not use all of them does not see it. Null until it has arrived.</summary>
    public string[]? Models { get; init; }

    /// <summary>Whether its lines have been removed.</summary>
    public bool IsEmptied { get; init; }
}
