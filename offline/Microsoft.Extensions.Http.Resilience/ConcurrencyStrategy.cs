using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>The outermost strategy: so many requests at a time, none waiting.</summary>
internal sealed class ConcurrencyStrategy(int permits) : ResilienceStrategy<HttpResponseMessage>
{
    private int _running;

    protected override async ValueTask<Outcome<HttpResponseMessage>> ExecuteCore<TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<HttpResponseMessage>>> callback, ResilienceContext context, TState state)
    {
        try
        {
            return Interlocked.Increment(ref _running) <= permits
                ? await callback(context, state)
                : Outcome.FromException<HttpResponseMessage>(new TooManyConcurrentRequestsException());
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private sealed class TooManyConcurrentRequestsException() : ExecutionRejectedException("Too many requests to this service at a time.");
}
