namespace InferenceTemplate.Data;

/// <summary>One thing that was done to a model. Rows are only ever added.</summary>
public sealed class ModelEvent
{
    public long Id { get; init; }

    public DateTimeOffset At { get; init; }

    public required string Model { get; init; }

    public string? Version { get; init; }

    /// <summary>One of <see cref="Catalog.ModelEventKinds"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Who did it: the name of a key, or <c>platform</c>.</summary>
    public required string Actor { get; init; }

    /// <summary>The rest of it, for people.</summary>
    public string? Details { get; init; }

    /// <summary>Whether the audit chain has it.</summary>
    public bool Audited { get; init; }
}
