using System.Text.Json.Serialization;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Requests;

/// <param name="NextCursor">For the requests before these; null where there are none.</param>
internal sealed record RequestPage(RequestView[] Requests, string? NextCursor);

/// <summary>A request for inference. Its payload is not kept.</summary>
/// <param name="Status">As the caller was told; 499 where it had left.</param>
/// <param name="Error">Why there was no result; null where there was one.</param>
/// <param name="Priority">Null where it was rejected before it was read.</param>
/// <param name="BatchSize">Rows of the run that it shared; 0 where it never ran.</param>
/// <param name="Cost">Its share of that run's price.</param>
internal sealed record RequestView(
    Guid Id,
    DateTimeOffset ReceivedAt,
    string Tenant,
    string ModelName,
    string ModelVersion,
    int Status,
    string? Error,
    string Role,
    string? Priority,
    bool CacheHit,
    int BatchSize,
    long QueueUs,
    long ComputeUs,
    long TotalUs,
    decimal Cost,
    string Currency,
    string? Worker,
    string? TraceId)
{
    // Dividing by a one of 28 decimals takes the trailing zeros away.
    public static RequestView Of(Prediction record, string currency) => new(
        record.Id, record.ReceivedAt, record.TenantId, record.Model, record.Version, record.Status, record.Error, record.Role,
        record.Priority.Length == 0 ? null : record.Priority, record.CacheHit, record.BatchSize, record.QueueMicroseconds,
        record.ComputeMicroseconds, record.TotalMicroseconds, record.Cost / 1.0000000000000000000000000000m, currency, record.Worker,
        record.TraceId);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RequestPage))]
[JsonSerializable(typeof(RequestView))]
internal sealed partial class RequestsJson : JsonSerializerContext;
