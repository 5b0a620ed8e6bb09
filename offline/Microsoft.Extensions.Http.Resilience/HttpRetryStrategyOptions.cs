using Polly;
using Polly.Retry;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Polly's retry of transient failures: exponential with jitter, or as long as the server's Retry-After says.</summary>
public class HttpRetryStrategyOptions : RetryStrategyOptions<HttpResponseMessage>
{
    public HttpRetryStrategyOptions()
    {
        BackoffType = DelayBackoffType.Exponential;
        UseJitter = true;
        ShouldHandle = args => new(HttpTransient.Is(args.Outcome, args.Context.CancellationToken));
        DelayGenerator = args => new(RetryAfter(args.Outcome.Result));
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage? response) => response?.Headers.RetryAfter switch
    {
        { Delta: { } delta } => Positive(delta),
        { Date: { } date } => Positive(date - TimeProvider.System.GetUtcNow()),
        _ => null,
    };

    private static TimeSpan Positive(TimeSpan delay) => delay < TimeSpan.Zero ? TimeSpan.Zero : delay;
}
