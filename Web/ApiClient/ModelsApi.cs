namespace InferenceTemplate.Web.ApiClient;

/// <summary>Models and their versions: <c>/v1/models</c>.</summary>
internal sealed class ModelsApi(ApiTransport transport)
{
    public Task<ApiResult<ModelList>> ListAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/models", accessToken, ApiJson.Default.ModelList, cancellationToken);

    public Task<ApiResult<ModelDetails>> GetAsync(string accessToken, string model, CancellationToken cancellationToken) =>
        transport.GetAsync(Path(model), accessToken, ApiJson.Default.ModelDetails, cancellationToken);

    public Task<ApiResult<TrafficStatus>> GetTrafficAsync(string accessToken, string model, CancellationToken cancellationToken) =>
        transport.GetAsync($"{Path(model)}/traffic/status", accessToken, ApiJson.Default.TrafficStatus, cancellationToken);

    public Task<ApiResult<ModelDrift>> GetDriftAsync(string accessToken, string model, CancellationToken cancellationToken) =>
        transport.GetAsync($"{Path(model)}/drift", accessToken, ApiJson.Default.ModelDrift, cancellationToken);

    public Task<ApiResult<ModelHistory>> GetHistoryAsync(string accessToken, string model, CancellationToken cancellationToken) =>
        transport.GetAsync($"{Path(model)}/events?limit=20", accessToken, ApiJson.Default.ModelHistory, cancellationToken);

    /// <summary>The sample request of a version, in JSON; refused as not found where it has none.</summary>
    public Task<ApiResult<string>> GetSampleAsync(string accessToken, string model, string version, CancellationToken cancellationToken) =>
        transport.ReadTextAsync($"{Path(model)}/versions/{Uri.EscapeDataString(version)}/sample", accessToken, cancellationToken);

    public Task<ApiResult<Done>> PromoteAsync(string accessToken, string model, string version, CancellationToken cancellationToken) =>
        transport.DoAsync(
            HttpMethod.Post, $"{Path(model)}/promote", accessToken, cancellationToken,
            JsonContent.Create(new Promotion(version), ApiJson.Default.Promotion));

    public Task<ApiResult<Done>> RollBackAsync(string accessToken, string model, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"{Path(model)}/rollback", accessToken, cancellationToken);

    public Task<ApiResult<Done>> DeleteVersionAsync(
        string accessToken, string model, string version, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Delete, $"{Path(model)}/versions/{Uri.EscapeDataString(version)}", accessToken, cancellationToken);

    public Task<ApiResult<Done>> SetTrafficAsync(
        string accessToken, string model, TrafficPolicy policy, CancellationToken cancellationToken) =>
        transport.DoAsync(
            HttpMethod.Put, $"{Path(model)}/traffic", accessToken, cancellationToken,
            JsonContent.Create(policy, ApiJson.Default.TrafficPolicy));

    private static string Path(string model) => $"/v1/models/{Uri.EscapeDataString(model)}";
}
