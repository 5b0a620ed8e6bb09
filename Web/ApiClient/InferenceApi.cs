using System.Text;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>What everybody who signs in may call: a token, the overview, inference.</summary>
/// <param name="patient">For inference: it neither repeats a call nor ends it before its own time.</param>
internal sealed class InferenceApi(ApiTransport transport, ApiTransport patient)
{
    /// <summary>An answer later than this would only be shown after newer ones; retries of the pipeline below fit inside it.</summary>
    private static readonly TimeSpan OverviewTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The Api's own limit, and a little more for its word on it.</summary>
    private static readonly TimeSpan InferTimeout = TimeSpan.FromSeconds(35);

    /// <summary>Exchanges an API key for a short-lived token.</summary>
    public Task<ApiResult<AccessToken>> GetTokenAsync(string apiKey, CancellationToken cancellationToken) =>
        transport.SendAsync(HttpMethod.Post, "/v1/auth/token", apiKey, ApiJson.Default.AccessToken, cancellationToken);

    /// <summary>Reads the state of the whole system.</summary>
    public Task<ApiResult<Overview>> GetOverviewAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/overview", accessToken, ApiJson.Default.Overview, cancellationToken, OverviewTimeout);

    /// <summary>Reads the traffic of a range: <c>1h</c>, <c>24h</c> or <c>7d</c>.</summary>
    public Task<ApiResult<TrafficHistory>> GetHistoryAsync(string accessToken, string range, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/overview/history", ("range", range)),
            accessToken, ApiJson.Default.TrafficHistory, cancellationToken, OverviewTimeout);

    /// <summary>Reads what was done in a range, as the traffic's.</summary>
    /// <param name="model">Null for all.</param>
    public Task<ApiResult<PlatformChanges>> GetChangesAsync(
        string accessToken, string range, string? model, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/overview/changes", ("range", range), ("model", model)),
            accessToken, ApiJson.Default.PlatformChanges, cancellationToken, OverviewTimeout);

    /// <summary>Reads whether the service keeps what it promises.</summary>
    public Task<ApiResult<Objectives>> GetObjectivesAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/overview/objectives", accessToken, ApiJson.Default.Objectives, cancellationToken, OverviewTimeout);

    /// <summary>Reads what each model version has done so far.</summary>
    public Task<ApiResult<ModelStatistics>> GetStatisticsAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v2/models/stats", accessToken, ApiJson.Default.ModelStatistics, cancellationToken, OverviewTimeout);

    /// <summary>Runs one request; what the Api says of one that is wrong is the result's detail.</summary>
    /// <param name="body">A request of the Open Inference Protocol, in JSON.</param>
    public async Task<ApiResult<InferAnswer>> InferAsync(
        string accessToken, string model, string version, string body, CancellationToken cancellationToken)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await patient.SendAsync(
            HttpMethod.Post,
            $"/v2/models/{Uri.EscapeDataString(model)}/versions/{Uri.EscapeDataString(version)}/infer",
            accessToken,
            ApiJson.Default.InferAnswer,
            cancellationToken,
            InferTimeout,
            content);
    }
}
