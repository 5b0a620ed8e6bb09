namespace InferenceTemplate.Data;

/// <summary>A change of a model's traffic policy: by whom, why, and what it says since.</summary>
public sealed class TrafficDecision
{
    /// <summary>What <see cref="Actor"/> is when the platform decided automatically.</summary>
    public const string Automatic = "automatic";

    public Guid Id { get; init; }

    public required string Model { get; init; }

    public DateTimeOffset DecidedAt { get; init; }

    /// <summary><c>set</c>, <c>cleared</c> or <c>rolled_back</c>.</summary>
    public required string Action { get; init; }

    /// <summary>Name of the API key that changed it, or <see cref="Automatic"/>.</summary>
    public required string Actor { get; init; }

    /// <summary>The version that was rolled back; null for other actions.</summary>
    public string? Version { get; init; }

    /// <summary>The numbers that a rollback rests on; what a policy changed; null where an earlier release wrote it.</summary>
    public string? Reason { get; init; }

    /// <summary>The policy as it was set, in JSON; null for other actions.</summary>
    public string? Policy { get; init; }

    /// <summary>Whether the audit chain has it.</summary>
    public bool Audited { get; init; }
}
