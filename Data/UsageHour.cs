namespace InferenceTemplate.Data;

/// <summary>What a tenant used of a model version in an hour (UTC): sums of <see cref="UsageEntry"/>.</summary>
public sealed class UsageHour
{
    public required string TenantId { get; init; }

    public DateTimeOffset Hour { get; init; }

    public required string Model { get; init; }

    public required string Version { get; init; }

    public long Requests { get; init; }

    public long Failures { get; init; }

    public long Cached { get; init; }

    public long Jobs { get; init; }

    public long DeviceMicroseconds { get; init; }

    public decimal Cost { get; init; }

    /// <summary>Of prompts, where text was generated.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Generated ones.</summary>
    public long CompletionTokens { get; init; }
}
