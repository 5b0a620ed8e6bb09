using System.Collections.Concurrent;

namespace InferenceTemplate.Api.Caching;

/// <summary>Lets one of several callers that want the same do the work, and the others wait for what it gets.</summary>
public sealed class SingleFlight<TKey, TValue>
    where TKey : notnull
    where TValue : class
{
    private readonly ConcurrentDictionary<TKey, TaskCompletionSource<TValue?>> _flights = new();

    /// <summary>Whoever waits in vain does its own work, at once: those behind a failure do not queue behind one another.</summary>
    /// <param name="work">Gives the value, and whether others may have it too.</param>
    /// <param name="waitTimeout">How long the work of another is waited for.</param>
    /// <returns>The value, and whether it is another's.</returns>
    /// <exception cref="TimeoutException">The other did not end in time.</exception>
    public async Task<(TValue Value, bool Shared)> RunAsync(
        TKey key,
        Func<Task<(TValue Value, bool ForOthers)>> work,
        TimeSpan waitTimeout,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var mine = new TaskCompletionSource<TValue?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var flight = _flights.GetOrAdd(key, mine);
        if (flight != mine)
        {
            return await flight.Task.WaitAsync(waitTimeout, time, cancellationToken) is { } shared
                ? (shared, true)
                : ((await work()).Value, false);
        }

        TValue? forOthers = null;
        try
        {
            var (value, share) = await work();
            forOthers = share ? value : null;
            return (value, false);
        }
        finally
        {
            _flights.TryRemove(key, out _);
            mine.SetResult(forOthers);
        }
    }
}
