using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>One call to the Api. Failures come back as values, since a dashboard must outlive them.</summary>
internal sealed class ApiTransport(HttpClient http, TimeProvider time)
{
    /// <summary>Long enough for a list; somebody looks at an empty page meanwhile.</summary>
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    public Task<ApiResult<T>> GetAsync<T>(
        string path, string bearer, JsonTypeInfo<T> type, CancellationToken cancellationToken, TimeSpan? timeout = null)
        where T : class => SendAsync(HttpMethod.Get, path, bearer, type, cancellationToken, timeout);

    /// <summary>A call whose answer has a body.</summary>
    public Task<ApiResult<T>> SendAsync<T>(
        HttpMethod method,
        string path,
        string bearer,
        JsonTypeInfo<T> type,
        CancellationToken cancellationToken,
        TimeSpan? timeout = null,
        HttpContent? content = null,
        string? ifMatch = null)
        where T : class => CallAsync(
            method, path, bearer, timeout ?? DefaultTimeout, content,
            async (body, _, limit) => await JsonSerializer.DeserializeAsync(body, type, limit), cancellationToken, ifMatch);

    /// <summary>A call whose answer has a body, and an entity tag that says of which state it is.</summary>
    public async Task<(ApiResult<T> Result, string? Tag)> GetTaggedAsync<T>(
        string path, string bearer, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        string? tag = null;
        var result = await CallAsync(
            HttpMethod.Get, path, bearer, DefaultTimeout, null,
            async (body, _, limit) => await JsonSerializer.DeserializeAsync(body, type, limit), cancellationToken,
            seen: response => tag = response.Headers.ETag?.Tag);
        return (result, tag);
    }

    /// <summary>A call that is answered by server-sent events: its time begins anew with each.</summary>
    /// <param name="silence">How long nothing may come.</param>
    /// <param name="read">Makes the value of the data of the events.</param>
    public Task<ApiResult<T>> FollowAsync<T>(
        HttpMethod method,
        string path,
        string bearer,
        HttpContent? content,
        TimeSpan silence,
        Func<IAsyncEnumerable<string>, Task<T?>> read,
        CancellationToken cancellationToken)
        where T : class => CallAsync(
            method, path, bearer, silence, content,
            (body, renew, limit) => read(EventsAsync(body, renew, limit)), cancellationToken);

    private static async IAsyncEnumerable<string> EventsAsync(
        Stream body, Action renew, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            renew();
            yield return item.Data;
        }
    }

    /// <summary>A call of which only the success counts.</summary>
    public Task<ApiResult<Done>> DoAsync(
        HttpMethod method, string path, string bearer, CancellationToken cancellationToken, HttpContent? content = null) =>
        CallAsync(method, path, bearer, DefaultTimeout, content, (_, _, _) => Task.FromResult<Done?>(Done.Instance), cancellationToken);

    /// <summary>A call whose answer is text, such as CSV or a tensor document.</summary>
    public Task<ApiResult<string>> ReadTextAsync(string path, string bearer, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Get, path, bearer, DefaultTimeout, null, ReadAllAsync, cancellationToken);

    /// <summary>A call whose answer is too large to be held: it is copied as it comes.</summary>
    /// <param name="silence">How long nothing may come, or be taken.</param>
    /// <param name="copy">Is called once it is known that there is an answer, and says each time that a part was taken.</param>
    public Task<ApiResult<Done>> CopyAsync(
        string path,
        string bearer,
        TimeSpan silence,
        Func<Stream, Action, CancellationToken, Task> copy,
        CancellationToken cancellationToken) =>
        CallAsync<Done>(
            HttpMethod.Get, path, bearer, silence, content: null,
            async (body, renew, limit) =>
            {
                await copy(body, renew, limit);
                return Done.Instance;
            },
            cancellationToken);

    private static async Task<string?> ReadAllAsync(Stream body, Action renew, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(body);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    private async Task<ApiResult<T>> CallAsync<T>(
        HttpMethod method,
        string path,
        string bearer,
        TimeSpan timeout,
        HttpContent? content,
        Func<Stream, Action, CancellationToken, Task<T?>> read,
        CancellationToken cancellationToken,
        string? ifMatch = null,
        Action<HttpResponseMessage>? seen = null)
        where T : class
    {
        using var over = new CancellationTokenSource(timeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, over.Token);
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            if (ifMatch is not null)
            {
                request.Headers.IfMatch.Add(new EntityTagHeaderValue(ifMatch));
            }

            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!response.IsSuccessStatusCode)
            {
                return await ApiRefusal.OfAsync<T>(response, limit.Token);
            }

            seen?.Invoke(response);
            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            return await read(body, () => over.CancelAfter(timeout), limit.Token) is { } value
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
            return over.IsCancellationRequested
                ? ApiResult<T>.Failed(ApiFailure.TimedOut, $"No answer within {timeout.TotalSeconds:0} s.")
                : ApiResult<T>.Failed(ApiFailure.Unreachable, $"{e.GetBaseException().Message.TrimEnd('.')}.");
        }
    }
}

/// <summary>The value of a call that has none.</summary>
public sealed record Done
{
    internal static readonly Done Instance = new();
}
