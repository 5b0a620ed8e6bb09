using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Jobs;

namespace InferenceTemplate.Data;

/// <summary>
/// A durable job: this row is the truth, Redis only carries it. Written by <see cref="JobLeases"/>,
/// <see cref="JobDeadLetters"/> and the Api's slice Jobs alone.
/// </summary>
public sealed class Job
{
    /// <summary>A version 7 UUID, so that ids sort by the time of acceptance.</summary>
    public Guid Id { get; init; }

    public required string TenantId { get; init; }

    public required string Model { get; init; }

    public required string Version { get; init; }

    /// <summary>What its caller named, where a fallback stands in for it: who may use that may see the job.</summary>
    public string? RequestedModel { get; init; }

    public Priority Priority { get; init; }

    public JobState State { get; init; }

    /// <summary>How often it has been claimed. Only ever grows: it is the fence of every terminal write.</summary>
    public int Attempt { get; init; }

    public int MaxAttempts { get; init; }

    /// <summary>The request as <see cref="RequestCodec"/> writes it; null once it has succeeded, and after its retention.</summary>
    public byte[]? Request { get; init; }

    /// <summary>The answer as <see cref="ReplyBatch"/> writes it; null until it succeeded, and after its retention.</summary>
    public byte[]? Outputs { get; init; }

    /// <summary>The caller's own id for the request, echoed in the result.</summary>
    public string? RequestId { get; init; }

    public string? Error { get; init; }

    /// <summary>The HTTP status that a synchronous caller would have got with <see cref="Error"/>.</summary>
    public short? ErrorStatus { get; init; }

    /// <summary>0 to 1.</summary>
    public float Progress { get; init; }

    /// <summary>Who claimed it last.</summary>
    public string? Worker { get; init; }

    /// <summary>Until then the job is its worker's; null while it does not run.</summary>
    public DateTimeOffset? LeaseUntil { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last put into Redis, or was about to be; null where it is known not to be there.</summary>
    public DateTimeOffset? QueuedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>After this it is not begun any more.</summary>
    public DateTimeOffset DeadlineAt { get; init; }

    /// <summary>After this the result is gone; null until it is finished.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public bool CancelRequested { get; init; }

    /// <summary>Rows of the batch that it ran in, and how long that run took in microseconds.</summary>
    public int BatchSize { get; init; }

    public long ComputeMicroseconds { get; init; }

    /// <summary>Its share of that run's price, in the configured currency.</summary>
    public decimal Cost { get; init; }

    /// <summary>Of the trace in which it was sent, or retried, and in which it runs: 32 hexadecimal digits.</summary>
    public string? TraceId { get; init; }

    public string? IdempotencyKey { get; init; }

    /// <summary>SHA-256 of what was asked for; with a key only.</summary>
    public byte[]? RequestHash { get; init; }
}
