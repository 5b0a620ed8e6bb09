using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Data;

/// <summary>Whose keys, work and records these are, and how much of the platform is theirs.</summary>
/// <remarks>A limit that is null is the platform's default; 0 is no limit.</remarks>
public sealed class Tenant
{
    /// <summary>The operator's own tenant: there from the first migration, without limits, the owner of the first admin key.</summary>
    public const string DefaultId = "default";

    public required string Id { get; init; }

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>While set, none of the tenant's credentials is accepted.</summary>
    public DateTimeOffset? SuspendedAt { get; set; }

    /// <summary>When deletion was asked for; what is left of the tenant then are facts without personal data.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    public int? RequestsPerMinute { get; set; }

    /// <summary>Requests that may come at once, above the even rate.</summary>
    public int? Burst { get; set; }

    /// <summary>Requests of the tenant that may wait or run at one time.</summary>
    public int? MaxConcurrency { get; set; }

    /// <summary>Inferences in a calendar month (UTC).</summary>
    public long? MonthlyInferences { get; set; }

    /// <summary>What a calendar month (UTC) may cost, in the platform's currency.</summary>
    public decimal? MonthlyBudget { get; set; }

    /// <summary>Tokens of prompts and answers together, in a calendar month (UTC).</summary>
    public long? MonthlyTokens { get; set; }

    /// <summary>Whether work goes on beyond the monthly limits.</summary>
    public bool AllowOverdraft { get; set; }

    /// <summary>The models that the tenant may see and use; null for all.</summary>
    public string[]? Models { get; set; }

    /// <summary>The highest priority that the tenant gets; null for any.</summary>
    public Priority? PriorityCeiling { get; set; }

    /// <summary>How long records of predictions and finished jobs are kept.</summary>
    public int? RetentionDays { get; set; }
}
