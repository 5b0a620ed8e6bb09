namespace InferenceTemplate.Inference.Store;

/// <summary>What is kept of every inference request that reached a model: facts about it, never its payload.</summary>
public sealed class Prediction
{
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

    public string? Worker { get; init; }

    public string? TraceId { get; init; }
}
