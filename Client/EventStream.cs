using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace InferenceTemplate.Client;

/// <summary>Follows something by its server-sent events until it has ended.</summary>
internal static class EventStream
{
    // The platform sends a ping at least every 15 s.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(45);

    // A replica that stops ends its streams; another answers a moment later.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public static async Task<T> FollowAsync<T>(
        this ApiTransport transport, string path, JsonTypeInfo<T> type, Func<T, bool> hasEnded, IProgress<T>? progress,
        CancellationToken cancellationToken)
        where T : class
    {
        while (true)
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            silence.CancelAfter(LongestSilence);
            var pause = Pause;
            try
            {
                var request = new HttpRequestMessage(HttpMethod.Get, path);
                request.Headers.Accept.ParseAdd("text/event-stream, application/problem+json;q=0.5");
                if (await transport.SendAsync(request, ReadAsync, Timeout.InfiniteTimeSpan, silence.Token, Repeat.IfPassing)
                    .ConfigureAwait(false) is { } ended)
                {
                    return ended;
                }
            }
            catch (OperationCanceledException)
            {
                cancellationToken.ThrowIfCancellationRequested();

                // Silent for too long: a new connection tells more.
            }
            catch (InferenceException exception) when (exception.Error is InferenceError.Unreachable or InferenceError.Unavailable
                or InferenceError.TimedOut or InferenceError.RateLimited)
            {
                // An outage or a limit passes; what is followed does not depend on it.
                pause = exception.RetryAfter > Pause ? exception.RetryAfter.Value : Pause;
            }

            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);

            async Task<T?> ReadAsync(HttpResponseMessage response, CancellationToken reading)
            {
                try
                {
                    var body = await response.Content.ReadAsStreamAsync(reading).ConfigureAwait(false);
                    await foreach (var each in SseParser.Create(body).EnumerateAsync(reading).ConfigureAwait(false))
                    {
                        silence.CancelAfter(LongestSilence);
                        if (each.Data.Length == 0)
                        {
                            continue;
                        }

                        var now = JsonSerializer.Deserialize(each.Data, type) ?? throw ApiTransport.Unreadable("an event is null");
                        progress?.Report(now);
                        if (hasEnded(now))
                        {
                            return now;
                        }
                    }
                }
                catch (Exception exception) when (exception is IOException or HttpRequestException)
                {
                    // The connection broke; a new one begins with the present state.
                }

                return null;
            }
        }
    }
}
