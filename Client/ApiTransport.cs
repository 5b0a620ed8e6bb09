using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace InferenceTemplate.Client;

/// <summary>One call to the platform: a result, an <see cref="InferenceException"/>, or the caller's own cancellation.</summary>
internal sealed class ApiTransport(HttpClient http)
{
    /// <summary>For what takes no time to speak of, repetitions included.</summary>
    public static readonly TimeSpan ShortLimit = TimeSpan.FromSeconds(30);

    /// <summary>For what has tensors: longer than the platform's longest timeout.</summary>
    public static readonly TimeSpan LongLimit = TimeSpan.FromSeconds(100);

    /// <summary>For the next line of what comes line by line.</summary>
    public TimeSpan IdleLimit { get; init; } = LongLimit;

    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(new(HttpMethod.Get, path), JsonOf(type), ShortLimit, cancellationToken, Repeat.IfPassing);

    /// <summary>A change without a body, or with a small one.</summary>
    public Task<T> PostAsync<T>(
        string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellationToken,
        Repeat repeat = Repeat.Never) =>
        SendAsync(new(HttpMethod.Post, path) { Content = content }, JsonOf(type), ShortLimit, cancellationToken, repeat);

    /// <param name="request">Disposed here, with its content.</param>
    /// <param name="read">Reads a response that is a success.</param>
    /// <param name="limit">Until the response is read; infinite for none.</param>
    /// <param name="repeat">After which failures it does no harm to send it twice.</param>
    public async Task<T> SendAsync<T>(
        HttpRequestMessage request, Func<HttpResponseMessage, CancellationToken, Task<T>> read, TimeSpan limit,
        CancellationToken cancellationToken, Repeat repeat = Repeat.Never)
    {
        RepeatPolicy.Allow(request, repeat, limit);
        try
        {
            return await LimitedAsync(
                async ends =>
                {
                    using var response = await OpenAsync(request, ends).ConfigureAwait(false);
                    return await read(response, ends).ConfigureAwait(false);
                },
                limit, cancellationToken).ConfigureAwait(false);
        }
        catch when (request.Content is UploadContent { SourceFailure: { } failure })
        {
            failure.Throw();
            throw;
        }
    }

    /// <summary>Reads JSON lines as they arrive.</summary>
    public async IAsyncEnumerable<T> LinesAsync<T>(
        string path, JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        RepeatPolicy.Allow(request, Repeat.IfPassing, ShortLimit);
        using var response = await LimitedAsync(ends => OpenAsync(request, ends), ShortLimit, cancellationToken).ConfigureAwait(false);
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var body = await response.Content.ReadAsStreamAsync(idle.Token).ConfigureAwait(false);
        var lines = JsonSerializer.DeserializeAsyncEnumerable(body, type, topLevelValues: true, idle.Token).GetAsyncEnumerator(idle.Token);
        await using (lines.ConfigureAwait(false))
        {
            while (await LimitedAsync(_ => lines.MoveNextAsync().AsTask(), idle, IdleLimit, cancellationToken).ConfigureAwait(false))
            {
                // The caller may take its time.
                idle.CancelAfter(Timeout.InfiniteTimeSpan);
                yield return lines.Current ?? throw Unreadable("a line is null");
            }
        }
    }

    public static Func<HttpResponseMessage, CancellationToken, Task<T>> JsonOf<T>(JsonTypeInfo<T> type) =>
        async (response, cancellationToken) =>
            await response.Content.ReadFromJsonAsync(type, cancellationToken).ConfigureAwait(false) ?? throw Unreadable("it is null");

    public static InferenceException Unreadable(string reason, Exception? exception = null) =>
        new(InferenceError.Failed, $"the response can't be understood: {reason}", exception);

    private async Task<HttpResponseMessage> OpenAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var sent = request;
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await InferenceException.OfAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<T> LimitedAsync<T>(Func<CancellationToken, Task<T>> call, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        return await LimitedAsync(call, ends, limit, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<T> LimitedAsync<T>(
        Func<CancellationToken, Task<T>> call, CancellationTokenSource ends, TimeSpan limit, CancellationToken cancellationToken)
    {
        ends.CancelAfter(limit);
        try
        {
            return await call(ends.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            // The other limit is that of the caller's own HttpClient.
            throw new InferenceException(
                InferenceError.TimedOut,
                ends.IsCancellationRequested ? $"no response within {limit.TotalSeconds:0.#} s" : exception.Message, exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new InferenceException(InferenceError.Unreachable, exception.GetBaseException().Message, exception);
        }
        catch (JsonException exception)
        {
            throw Unreadable(exception.Message, exception);
        }
    }
}
