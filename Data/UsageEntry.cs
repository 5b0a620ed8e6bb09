namespace InferenceTemplate.Data;

/// <summary>
/// Use that is not summed yet: of one job, or of what one Api replica answered in a second. It is written once by its id, and turned
/// into sums in one transaction, so that nothing is counted twice or lost between the two.
/// </summary>
public sealed class UsageEntry
{
    public Guid Id { get; init; }

    public required string TenantId { get; init; }

    public required string Model { get; init; }

    public required string Version { get; init; }

    /// <summary>The hour (UTC) in which it ended.</summary>
    public DateTimeOffset Hour { get; init; }

    /// <summary>Inferences that were admitted: calls, cached responses and jobs that ran.</summary>
    public long Requests { get; init; }

    /// <summary>Of those, what got no answer of the model.</summary>
    public long Failures { get; init; }

    /// <summary>Of those, answered from memory.</summary>
    public long Cached { get; init; }

    /// <summary>Of those, jobs.</summary>
    public long Jobs { get; init; }

    /// <summary>Their shares of the runs' time.</summary>
    public long DeviceMicroseconds { get; init; }

    /// <summary>Their shares of the runs' price, in the configured currency.</summary>
    public decimal Cost { get; init; }

    /// <summary>Of prompts, where text was generated.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Generated ones.</summary>
    public long CompletionTokens { get; init; }
}

/// <summary>How far a process has come with writing <see cref="UsageEntry">entries</see>: what it repeats is known by its turn.</summary>
public sealed class UsageWriter
{
    /// <summary>Of the process.</summary>
    public Guid Id { get; init; }

    public long Turn { get; init; }

    public DateTimeOffset WrittenAt { get; init; }
}
