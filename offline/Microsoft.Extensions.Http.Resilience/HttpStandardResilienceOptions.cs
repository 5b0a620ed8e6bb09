namespace Microsoft.Extensions.Http.Resilience;

/// <summary>
/// The standard pipeline, outermost first: at most 1,000 concurrent requests, a total timeout (30 s), retries, a circuit breaker
/// (breaks for 5 s when a tenth of at least 100 requests in 30 s failed) and a timeout for each attempt (10 s).
/// </summary>
public class HttpStandardResilienceOptions
{
    /// <summary>Default: 30 s for all attempts and the waits between them.</summary>
    public HttpTimeoutStrategyOptions TotalRequestTimeout { get; set; } = new() { Name = "Standard-TotalRequestTimeout" };

    /// <summary>Default: 3 retries, exponential from 2 s with jitter, of transient failures of every method.</summary>
    public HttpRetryStrategyOptions Retry { get; set; } = new() { Name = "Standard-Retry" };

    public HttpCircuitBreakerStrategyOptions CircuitBreaker { get; set; } = new() { Name = "Standard-CircuitBreaker" };

    /// <summary>Default: 10 s.</summary>
    public HttpTimeoutStrategyOptions AttemptTimeout { get; set; } = new()
    {
        Timeout = TimeSpan.FromSeconds(10),
        Name = "Standard-AttemptTimeout",
    };
}
