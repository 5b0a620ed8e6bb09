using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>The Api as the dashboard sees it. Failures come back as values, since a dashboard must outlive them.</summary>
internal sealed class InferenceApi(HttpClient http)
{
    /// <summary>An answer later than this would only be shown after newer ones; retries of the pipeline below fit inside it.</summary>
    private static readonly TimeSpan OverviewTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The Api's own limit, and a little more for its word on it.</summary>
    private static readonly TimeSpan InferTimeout = TimeSpan.FromSeconds(35);

    private static readonly TimeSpan TokenTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Exchanges an API key for a short-lived token.</summary>
    public Task<ApiResult<AccessToken>> GetTokenAsync(string apiKey, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/auth/token", apiKey, ApiJson.Default.AccessToken, TokenTimeout, cancellationToken);

    /// <summary>Reads the state of the whole system.</summary>
    public Task<ApiResult<Overview>> GetOverviewAsync(string accessToken, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "/v1/overview", accessToken, ApiJson.Default.Overview, OverviewTimeout, cancellationToken);

    /// <summary>Reads what each model version has done so far.</summary>
    public Task<ApiResult<ModelStatistics>> GetStatisticsAsync(string accessToken, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "/v2/models/stats", accessToken, ApiJson.Default.ModelStatistics, OverviewTimeout, cancellationToken);

    /// <summary>Runs one request; what the Api says of one that is wrong is the result's detail.</summary>
    /// <param name="body">A request of the Open Inference Protocol, in JSON.</param>
    public async Task<ApiResult<InferAnswer>> InferAsync(
        string accessToken, string model, string version, string body, CancellationToken cancellationToken)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await SendAsync(
            HttpMethod.Post,
            $"/v2/models/{Uri.EscapeDataString(model)}/versions/{Uri.EscapeDataString(version)}/infer",
            accessToken,
            ApiJson.Default.InferAnswer,
            InferTimeout,
            cancellationToken,
            content);
    }

    private async Task<ApiResult<T>> SendAsync<T>(
        HttpMethod method,
        string path,
        string bearer,
        JsonTypeInfo<T> type,
        TimeSpan timeout,
        CancellationToken cancellationToken,
        HttpContent? content = null)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!response.IsSuccessStatusCode)
            {
                return content is not null && await ReasonAsync(response, limit.Token) is { } reason
                    ? ApiResult<T>.Failed(ApiFailure.Unexpected, reason)
                    : Refused<T>(response.StatusCode);
            }

            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            return await JsonSerializer.DeserializeAsync(body, type, limit.Token) is { } value
                ? ApiResult<T>.Of(value)
                : ApiResult<T>.Failed(ApiFailure.Unexpected, "It answered null.");
        }
        catch (JsonException e)
        {
            return ApiResult<T>.Failed(ApiFailure.Unexpected, $"Its answer could not be read: {e.Message}");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever the pipeline throws (a refused connection, its own timeout, an open circuit) is one thing to a dashboard.
            return ApiResult<T>.Failed(
                ApiFailure.Unreachable,
                limit.IsCancellationRequested ? $"No answer within {timeout.TotalSeconds:0} s." : $"{e.GetBaseException().Message.TrimEnd('.')}.");
        }
    }

    // Of a request that somebody wrote: what was wrong with it, or why it can't be answered now.
    private static async Task<string?> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.Unauthorized || response.Content.Headers.ContentType?.MediaType != "application/json")
        {
            return null;
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var error = await JsonSerializer.DeserializeAsync(body, ApiJson.Default.InferError, cancellationToken);
        return error?.Error is { } message ? $"{(int)response.StatusCode}: {message}" : null;
    }

    private static ApiResult<T> Refused<T>(HttpStatusCode status)
        where T : class => status switch
        {
            HttpStatusCode.Unauthorized => ApiResult<T>.Failed(ApiFailure.Unauthorized, "It refused the credential."),
            HttpStatusCode.Forbidden => ApiResult<T>.Failed(
                ApiFailure.Forbidden, "The role of your API key may not see this. Sign in with a key of the role user or admin."),
            HttpStatusCode.TooManyRequests => ApiResult<T>.Failed(ApiFailure.Limited, "Too many calls; wait a moment."),
            HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout =>
                ApiResult<T>.Failed(ApiFailure.Unreachable, $"It answered {(int)status} {status}."),
            _ => ApiResult<T>.Failed(ApiFailure.Unexpected, $"It answered {(int)status} {status}."),
        };
}
