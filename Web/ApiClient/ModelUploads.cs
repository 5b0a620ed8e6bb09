using System.Net.Http.Headers;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>Uploads of versions, through a client that neither retries nor ends a long transfer.</summary>
internal sealed class ModelUploads(ApiTransport transport)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>Adds the next version; the Api answers before a worker has opened it.</summary>
    public async Task<ApiResult<VersionDetails>> SendAsync(
        string accessToken, string model, Stream file, CancellationToken cancellationToken)
    {
        using var content = new StreamContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return await transport.SendAsync(
            HttpMethod.Post, $"/v1/models/{Uri.EscapeDataString(model)}/versions", accessToken, ApiJson.Default.VersionDetails,
            cancellationToken, Longest, content);
    }
}
