using System.Net;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace InferenceTemplate.Client;

/// <summary>After which failures a request is sent again.</summary>
internal enum Repeat
{
    /// <summary>None: twice would do harm.</summary>
    Never,

    /// <summary>A failed connection: any response is the answer.</summary>
    IfUnanswered,

    /// <summary>Also 502, and what says so by <c>Retry-After</c>: a 503 without may be the answer.</summary>
    IfAsked,

    /// <summary>Also 503 without <c>Retry-After</c>.</summary>
    IfPassing,
}

/// <summary>
/// What is sent again after a failure: reads, calls, which change nothing, and jobs, whose key keeps them from being added twice. Uploads
/// and changes of models are sent once.
/// </summary>
internal static class RepeatPolicy
{
    /// <summary>A longer wait is the caller's to decide on.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private const int MostRepeats = 3;

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);

    private static readonly HttpRequestOptionsKey<(Repeat Repeat, DateTimeOffset Until)> Allowed = new("InferenceClient.Repeat");

    public static HttpRetryStrategyOptions Options => new()
    {
        MaxRetryAttempts = MostRepeats,
        Delay = FirstWait,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        ShouldHandle = args => ValueTask.FromResult(
            args.Context.GetRequestMessage()?.Options.TryGetValue(Allowed, out var allowed) == true
            && (args.Outcome.Exception is HttpRequestException
                || (args.Outcome.Result is { } response
                    && IsPassing(response, allowed.Repeat, allowed.Until - TimeProvider.System.GetUtcNow())))),
    };

    /// <summary>Lets a request be sent again until its time is up, which an infinite limit never is.</summary>
    public static void Allow(HttpRequestMessage request, Repeat repeat, TimeSpan limit)
    {
        if (repeat != Repeat.Never)
        {
            request.Options.Set(
                Allowed,
                (repeat, limit == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : TimeProvider.System.GetUtcNow() + limit));
        }
    }

    /// <summary>How long to wait before a call over gRPC is sent again; null where it is not.</summary>
    /// <param name="repeated">How often it was.</param>
    /// <param name="left">Of its time.</param>
    public static TimeSpan? WaitAfter(InferenceException refused, int repeated, TimeSpan left)
    {
        // Those that failed together do not come back together.
        var wait = refused.RetryAfter ?? FirstWait * Math.Pow(2, repeated) * (0.5 + Random.Shared.NextDouble());
        return refused.Error is InferenceError.Unreachable or InferenceError.Unavailable or InferenceError.RateLimited
            && repeated < MostRepeats && wait <= LongestWait && wait < left ? wait : null;
    }

    /// <summary>The wait that a response asks for; null where it asks for none.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - TimeProvider.System.GetUtcNow() is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
        _ => null,
    };

    // 409 with Retry-After: the first request with this idempotency key is still in flight.
    private static bool IsPassing(HttpResponseMessage response, Repeat repeat, TimeSpan left) =>
        repeat != Repeat.IfUnanswered && (RetryAfter(response) is { } wait
            ? response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway
                or HttpStatusCode.ServiceUnavailable && wait <= LongestWait && wait < left
            : response.StatusCode == HttpStatusCode.BadGateway
                || (response.StatusCode == HttpStatusCode.ServiceUnavailable && repeat == Repeat.IfPassing));
}
