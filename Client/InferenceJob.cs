using System.Text.Json.Serialization;

namespace InferenceTemplate.Client;

/// <summary>Where a job is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobState>))]
public enum JobState
{
    /// <summary>It waits.</summary>
    Queued,

    /// <summary>A worker has it.</summary>
    Running,

    /// <summary>Its result is there.</summary>
    Succeeded,

    /// <summary>The model failed on it, or it did not start in time.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Cancelled,

    /// <summary>Every attempt ended with its worker.</summary>
    [JsonStringEnumMemberName("dead_lettered")]
    DeadLettered,
}

/// <summary>A job at one moment.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">Where it is.</param>
/// <param name="ModelName">The model.</param>
/// <param name="ModelVersion">The version that runs it.</param>
/// <param name="Attempt">How often it was begun.</param>
/// <param name="MaxAttempts">How often it may be.</param>
/// <param name="Progress">From 0 to 1.</param>
/// <param name="RequestId">The id that the request had.</param>
/// <param name="Error">Why it ended badly.</param>
/// <param name="CreatedAt">When it was committed.</param>
/// <param name="StartedAt">When it was begun; null before.</param>
/// <param name="FinishedAt">When it ended; null before.</param>
/// <param name="ExpiresAt">Until when its result is kept; null before its end.</param>
public sealed record InferenceJob(
    [property: JsonRequired] Guid Id, [property: JsonRequired] JobState State, [property: JsonRequired] string ModelName,
    [property: JsonRequired] string ModelVersion, int Attempt, int MaxAttempts, double Progress, string? RequestId, string? Error,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, DateTimeOffset? ExpiresAt)
{
    /// <summary>Whether nothing more comes of it.</summary>
    [JsonIgnore]
    public bool HasEnded => State is not (JobState.Queued or JobState.Running);
}
