namespace InferenceTemplate.Data;

/// <summary>What is kept of every inference request for a model that exists: facts about it, never its payload.</summary>
public sealed class Prediction
{
    /// <summary>Characters of <see cref="Error"/>.</summary>
    public const int MaxError = 500;

    public Guid Id { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    public required string TenantId { get; init; }

    public required string Model { get; init; }

    public required string Version { get; init; }

    /// <summary>The HTTP status that the caller was given; 499 where the caller had left.</summary>
    public short Status { get; init; }

    /// <summary>Rows of the batch it ran in; 0 where it never ran.</summary>
    public int BatchSize { get; init; }

    /// <summary>Microseconds in the queue, in the model's run, and in all.</summary>
    public long QueueMicroseconds { get; init; }

    public long ComputeMicroseconds { get; init; }

    public long TotalMicroseconds { get; init; }

    /// <summary>As what its version answered, such as <c>stable</c> or <c>canary</c> (<see cref="Core.Queue.TrafficRole"/>).</summary>
    public required string Role { get; init; }

    /// <summary>
    /// Its level in the queue, such as <c>normal</c> (<see cref="Core.Queue.Priority"/>); empty where it was rejected before it was read.
    /// </summary>
    public required string Priority { get; init; }

    /// <summary>Answered from memory, without a run.</summary>
    public bool CacheHit { get; init; }

    /// <summary>Its share of the device's price, in the configured currency.</summary>
    public decimal Cost { get; init; }

    public string? Worker { get; init; }

    public string? TraceId { get; init; }

    /// <summary>Why there was no result, as the caller was told; null where there was one.</summary>
    public string? Error { get; init; }
}
