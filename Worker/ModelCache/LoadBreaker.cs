using System.Collections.Concurrent;
using Polly;
using Polly.CircuitBreaker;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>
/// A circuit breaker for the loads of each model version: after some failures in a row loads are refused for a while that grows,
/// then a single probe decides.
/// </summary>
internal sealed class LoadBreaker(ModelCacheOptions options, TimeProvider time)
{
    // Failures further apart than this are not "in a row".
    private static readonly TimeSpan Sampling = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<ModelKey, Breaker> _breakers = new();

    /// <summary>Loads that failed last time, and when the next may be tried.</summary>
    public IReadOnlyList<LoadFailure> Failures => [.. _breakers
        .Select(b => b.Value.Failure)
        .OfType<LoadFailure>()
        .OrderBy(f => f.Key.ToString(), StringComparer.Ordinal)];

    /// <exception cref="ModelUnavailableException">The load failed, or is refused without being tried.</exception>
    public async Task<T> ExecuteAsync<T>(ModelKey key, Func<Task<T>> load)
    {
        var breaker = _breakers.GetOrAdd(key, Create);
        try
        {
            var loaded = await breaker.Pipeline.ExecuteAsync(async _ => await load(), CancellationToken.None);

            // A model that loads again is as good as one that never failed: the next failures are counted anew.
            _breakers.TryRemove(key, out Breaker? _);
            return loaded;
        }
        catch (BrokenCircuitException)
        {
            // Refused while open, or because another caller's probe is under way.
            var last = breaker.Failure;
            var wait = last is null ? options.LoadBreak : Max(last.RetryAt - time.GetUtcNow(), TimeSpan.Zero);
            throw new ModelUnavailableException(
                $"{key} could not be loaded and is not tried again yet: {last?.Reason ?? "a probe is under way"}", wait)
            {
                IsNotTried = true,
            };
        }
        catch (ModelUnavailableException exception) when (exception.IsNotTried)
        {
            // One of its steps is refused: so is it, for as long, whatever its own breaker counts.
            breaker.Failure = new LoadFailure(key, exception.Message, CircuitState.Open, time.GetUtcNow() + exception.RetryAfter);
            throw;
        }
        catch (Exception exception) when (exception is not ModelUnavailableException)
        {
            var state = breaker.State.CircuitState;
            var wait = state == CircuitState.Open ? breaker.Break : TimeSpan.Zero;
            breaker.Failure = new LoadFailure(key, exception.Message, state, time.GetUtcNow() + wait);
            throw new ModelUnavailableException($"{key} could not be loaded: {exception.Message}", wait, exception);
        }
    }

    /// <summary>Forgets a version, whose artifact or standing has changed.</summary>
    public void Forget(ModelKey key) => _breakers.TryRemove(key, out Breaker? _);

    private Breaker Create(ModelKey key)
    {
        var breaker = new Breaker();
        breaker.Pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 1,
                MinimumThroughput = options.LoadFailures,
                SamplingDuration = Sampling,
                BreakDurationGenerator = arguments => ValueTask.FromResult(breaker.Break = Growing(arguments.HalfOpenAttempts)),
                StateProvider = breaker.State,

                // No memory left is not the model's fault.
                ShouldHandle = new PredicateBuilder().Handle<Exception>(e => e is not ModelUnavailableException),
            })
            .Build();
        return breaker;
    }

    private TimeSpan Growing(int probes) =>
        Min(options.LoadBreak * Math.Pow(2, Math.Min(probes, 30)), options.MaxLoadBreak);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private sealed class Breaker
    {
        public ResiliencePipeline Pipeline { get; set; } = ResiliencePipeline.Empty;

        public CircuitBreakerStateProvider State { get; } = new();

        public TimeSpan Break { get; set; }

        public volatile LoadFailure? Failure;
    }
}

/// <param name="Circuit">Open while loads are refused without being tried.</param>
internal sealed record LoadFailure(ModelKey Key, string Reason, CircuitState Circuit, DateTimeOffset RetryAt);
