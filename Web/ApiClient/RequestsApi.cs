namespace InferenceTemplate.Web.ApiClient;

/// <summary>Records of requests for inference: <c>/v1/requests</c>.</summary>
internal sealed class RequestsApi(ApiTransport transport)
{
    public Task<ApiResult<RequestList>> ListAsync(
        string accessToken, RequestFilter filter, string? cursor, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of(
                "/v1/requests", ("model", filter.Model), ("version", filter.Version), ("status", filter.Status), ("min_ms", filter.MinMs),
                ("trace", filter.Trace), ("tenant", filter.Tenant), ("from", filter.From), ("to", filter.To), ("cursor", cursor),
                ("limit", "50")),
            accessToken, ApiJson.Default.RequestList, cancellationToken);

    public Task<ApiResult<RequestRecord>> GetAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.GetAsync($"/v1/requests/{id}", accessToken, ApiJson.Default.RequestRecord, cancellationToken);

    /// <summary>What was sent and answered, in JSON; refused as not found where it was not kept.</summary>
    public Task<ApiResult<string>> GetPayloadAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.ReadTextAsync($"/v1/requests/{id}/payload", accessToken, cancellationToken);
}

/// <summary>As the Api takes it; what is null or empty is left out.</summary>
public sealed record RequestFilter(
    string? Model, string? Version, string? Status, string? MinMs, string? Trace, string? Tenant, string? From, string? To);

/// <summary>What <c>GET /v1/requests</c> answers, the newest first.</summary>
public sealed record RequestList(IReadOnlyList<RequestRecord> Requests, string? NextCursor);

/// <param name="Status">Of HTTP; 499 where the caller had left.</param>
/// <param name="Error">Why there was no result.</param>
/// <param name="Priority">Null where it was rejected before it was read.</param>
/// <param name="BatchSize">Rows of the run that it shared; 0 where it never ran.</param>
public sealed record RequestRecord(
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
    public string Model => $"{ModelName}/{ModelVersion}";

    /// <summary>The status, and what it means where only this platform has it.</summary>
    public string Outcome => Status == 499 ? "499 caller left" : Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
