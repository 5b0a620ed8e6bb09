namespace InferenceTemplate.Data;

public enum BatchLineState : short
{
    Pending = 0,
    Completed = 1,
    Failed = 2,
}

/// <summary>One line of a <see cref="Batch"/>: written once when it arrives and once when it ends.</summary>
public sealed class BatchLine
{
    public Guid BatchId { get; init; }

    /// <summary>Its place in the body, from 1.</summary>
    public int Number { get; init; }

    public BatchLineState State { get; init; }

    /// <summary>The caller's own id for the line.</summary>
    public string? CustomId { get; init; }

    public string? Model { get; init; }

    /// <summary>The version that was chosen when the batch arrived.</summary>
    public string? Version { get; init; }

    /// <summary>The inference request as it came, in JSON; null once the line has ended.</summary>
    public byte[]? Request { get; init; }

    /// <summary>The answer, in JSON; null unless completed.</summary>
    public byte[]? Result { get; init; }

    public string? Error { get; init; }

    /// <summary>The HTTP status that a call would have got with <see cref="Error"/>.</summary>
    public short? ErrorStatus { get; init; }
}
