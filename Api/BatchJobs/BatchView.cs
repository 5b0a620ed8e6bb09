using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>A batch as callers see it.</summary>
internal sealed record BatchView(
    Guid Id,
    string State,
    BatchCounts Counts,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    DateTimeOffset DeadlineAt,
    DateTimeOffset? ExpiresAt,
    string? OutputUrl,
    string? ErrorsUrl,
    string? TraceId,
    string Tenant)
{
    // Quotes stay quotes: the answer is JSON, never markup.
    private static readonly BatchesJson Readable = new(new JsonSerializerOptions(BatchesJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static BatchView Of(BatchFacts batch)
    {
        var hasFiles = batch.State.IsTerminal() && !batch.IsEmptied;
        return new(
            batch.Id,
            batch.State.Name(),
            new(batch.Total, batch.Completed, batch.Failed),
            batch.CreatedAt,
            batch.StartedAt,
            batch.FinishedAt,
            batch.DeadlineAt,
            batch.ExpiresAt,
            hasFiles ? $"/v1/batches/{batch.Id}/output" : null,
            hasFiles ? $"/v1/batches/{batch.Id}/errors" : null,
            InferenceRequest.TraceIdOf(batch.TraceParent),
            batch.TenantId);
    }

    public string ToJson() => JsonSerializer.Serialize(this, Readable.BatchView);
}

/// <summary>Lines in all, and how many of them have ended well and badly; the rest have not ended.</summary>
internal sealed record BatchCounts(int Total, int Completed, int Failed);

/// <param name="NextCursor">For the batches after these; null where there are none.</param>
internal sealed record BatchPage(BatchView[] Batches, string? NextCursor);

/// <summary>JSON of the batches API, generated at build.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(BatchView))]
[JsonSerializable(typeof(BatchPage))]
internal sealed partial class BatchesJson : JsonSerializerContext;
