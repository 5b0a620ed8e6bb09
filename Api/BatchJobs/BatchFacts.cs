using InferenceTemplate.Data;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>Who sent a batch.</summary>
public sealed record BatchOwner(string TenantId, string KeyId, string KeyName, string Role);

/// <summary>What can be seen of a batch.</summary>
public sealed record BatchFacts(
    Guid Id,
    BatchState State,
    int Total,
    int Completed,
    int Failed,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    DateTimeOffset DeadlineAt,
    DateTimeOffset? ExpiresAt,
    bool IsEmptied)
{
    public required string TenantId { get; init; }

    /// <summary>W3C trace context of the request that sent it.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>A line as it arrived: with a request, or with what is wrong with it.</summary>
/// <param name="Number">Its place in the body, from 1.</param>
public sealed record NewBatchLine(
    int Number, string? CustomId, string? Model, string? Version, byte[]? Request, string? Error = null, short? ErrorStatus = null);

/// <summary>A line that is to be run.</summary>
public sealed record PendingBatchLine(int Number, string Model, string Version, byte[] Request);

/// <summary>How a line ended: with a result, or with an error.</summary>
public sealed record EndedBatchLine(int Number, byte[]? Result, string? Error, short? ErrorStatus);

/// <summary>A line of one of the two files. Neither result nor error where it never ended.</summary>
public sealed record BatchFileLine(int Number, string? CustomId, byte[]? Result, string? Error, short? ErrorStatus);
