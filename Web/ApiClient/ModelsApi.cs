using System.Text.Json.Nodes;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>Models and their versions: <c>/v1/models</c>.</summary>
internal sealed class ModelsApi(ApiTransport transport)
{
    public Task<ApiResult<ModelList>> ListAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/models", accessToken, ApiJson.Default.ModelList, cancellationToken);

    public async Task<ApiResult<ModelDetails>> GetAsync(string accessToken, string model, CancellationToken cancellationToken)
    {
        var (result, tag) = await transport.GetTaggedAsync(Path(model), accessToken, ApiJson.Default.ModelDetails, cancellationToken);
        return result.Value is { } found ? ApiResult<ModelDetails>.Of(found with { SettingsTag = tag }) : result;
    }

    /// <summary>Replaces all settings; refused where they are no longer what <paramref name="tag"/> was given for.</summary>
    public Task<ApiResult<JsonObject>> SetAsync(
        string accessToken, string model, JsonObject settings, string? tag, CancellationToken cancellationToken) =>
        transport.SendAsync(
            HttpMethod.Put, $"{Path(model)}/settings", accessToken, ApiJson.Default.JsonObject, cancellationToken,
            content: JsonContent.Create(settings, ApiJson.Default.JsonObject), ifMatch: tag);

    /// <summary>Brings a model into service and has workers load it, or takes it out of service.</summary>
    public Task<ApiResult<Done>> LoadAsync(string accessToken, string model, bool load, CancellationToken cancellationToken) =>
        transport.DoAsync(
            HttpMethod.Post, $"/v2/repository/models/{Uri.EscapeDataString(model)}/{(load ? "load" : "unload")}", accessToken,
            cancellationToken);

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
