namespace InferenceTemplate.Data;

/// <summary>What a tenant's calendar month (UTC) has come to: by it admission decides, without adding up the hours.</summary>
public sealed class TenantMonth
{
    public required string TenantId { get; init; }

    /// <summary>Its first day.</summary>
    public DateOnly Month { get; init; }

    public long Inferences { get; init; }

    public decimal Cost { get; init; }

    /// <summary>Of prompts and answers together.</summary>
    public long Tokens { get; init; }

    /// <summary>When its operators were told that much of a monthly limit is used; once a month.</summary>
    public DateTimeOffset? AlertedAt { get; init; }

    /// <summary>When a monthly limit was first reached.</summary>
    public DateTimeOffset? StoppedAt { get; init; }
}
