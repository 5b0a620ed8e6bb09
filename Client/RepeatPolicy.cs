using System.Net;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace InferenceTemplate.Client;

/// <summary>
/// What is sent again after a failure: reads, calls, which change nothing, and jobs, whose key keeps them from being added twice. Uploads
/// and changes of models are sent once.
/// </summary>
internal static class RepeatPolicy
{
    /// <summary>A longer wait is the caller's to decide on.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private static readonly HttpRequestOptionsKey<DateTimeOffset> Until = new("InferenceClient.RepeatUntil");

    public static HttpRetryStrategyOptions Options => new()
    {
        MaxRetryAttempts = 3,
        Delay = TimeSpan.FromMilliseconds(500),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        ShouldHandle = args => ValueTask.FromResult(
            args.Context.GetRequestMessage()?.Options.TryGetValue(Until, out var until) == true
            && (args.Outcome.Exception is HttpRequestException
                || (args.Outcome.Result is { } response && IsPassing(response, until - TimeProvider.System.GetUtcNow())))),
    };

    /// <summary>Lets a request be sent again until its time is up.</summary>
    public static void Allow(HttpRequestMessage request, TimeSpan limit) =>
        request.Options.Set(Until, TimeProvider.System.GetUtcNow() + limit);

    /// <summary>The wait that a response asks for; null where it asks for none.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - TimeProvider.System.GetUtcNow() is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
        _ => null,
    };

    // 409 with Retry-After: the first request with this idempotency key is still in flight.
    private static bool IsPassing(HttpResponseMessage response, TimeSpan left) =>
        RetryAfter(response) is { } wait
            ? response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway
                or HttpStatusCode.ServiceUnavailable && wait <= LongestWait && wait <= left
            : response.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable;
}
