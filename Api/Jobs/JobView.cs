using System.Text.Encodings.Web;
using System.Text.Json;
using InferenceTemplate.Core.Jobs;

namespace InferenceTemplate.Api.Jobs;

/// <summary>A job as callers see it.</summary>
internal sealed record JobView(
    Guid Id,
    string State,
    string ModelName,
    string ModelVersion,
    string Priority,
    int Attempt,
    int MaxAttempts,
    float Progress,
    bool CancelRequested,
    string? RequestId,
    string? Error,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    DateTimeOffset DeadlineAt,
    DateTimeOffset? ExpiresAt,
    string? Tenant,
    string? TraceId)
{
    // Quotes stay quotes: the answer is JSON, never markup.
    private static readonly ApiJson Readable = new(new JsonSerializerOptions(ApiJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static JobView Of(JobFacts job) => new(
        job.Id,
        job.State.Name(),
        job.Model,
        job.Version,
        JsonNamingPolicy.SnakeCaseLower.ConvertName(job.Priority.ToString()),
        job.Attempt,
        job.MaxAttempts,
        job.Progress,
        job.CancelRequested,
        job.RequestId,
        job.Error,
        job.CreatedAt,
        job.StartedAt,
        job.FinishedAt,
        job.DeadlineAt,
        job.ExpiresAt,
        job.Tenant,
        job.TraceId);

    public string ToJson() => JsonSerializer.Serialize(this, Readable.JobView);
}

/// <param name="NextCursor">For the jobs after these; null where there are none.</param>
internal sealed record JobPage(JobView[] Jobs, string? NextCursor);
