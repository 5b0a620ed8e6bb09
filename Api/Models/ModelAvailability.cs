using System.Collections.Immutable;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Models;

/// <param name="Reason">Why no worker can load the version, for a caller.</param>
/// <param name="RetryAfter">When the first of them tries again.</param>
public sealed record Unavailability(string Reason, TimeSpan RetryAfter);

/// <summary>
/// Which model versions no worker can load, as the workers report it: at most a second old while Redis answers. Requests for them can
/// be refused, or given to another version, without being queued.
/// </summary>
public sealed class ModelAvailability
{
    // Redis may hang for longer than a caller waits, and nothing has to be known here.
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1);

    private readonly Refreshing<ImmutableDictionary<string, ModelFailure>> _failures;
    private readonly TimeProvider _time;

    public ModelAvailability(FleetRegistry fleet, TimeProvider time)
    {
        _time = time;
        _failures = new(TimeSpan.FromSeconds(1), async () => Unloadable(await fleet.WorkersAsync()), time);
    }

    /// <summary>Null: the version may be asked, as far as is known.</summary>
    public async ValueTask<Unavailability?> OfAsync(string model, string version, CancellationToken cancellationToken)
    {
        var reading = _failures.GetAsync(cancellationToken);
        var failures = reading.IsCompletedSuccessfully ? reading.Result : await FirstAsync(reading.AsTask(), cancellationToken);

        // Almost always there are no failures at all: no key is made for nothing.
        if (failures.IsEmpty || !failures.TryGetValue($"{model}/{version}", out var failure))
        {
            return null;
        }

        // Once it may be tried again somebody has to ask, or it never would be.
        var wait = failure.RetryAt - _time.GetUtcNow();
        return wait <= TimeSpan.Zero ? null : new Unavailability(failure.Reason, wait < ShortestRetry ? ShortestRetry : wait);
    }

    /// <summary>The versions that every ready worker failed to load and none has, each with the failure that ends first.</summary>
    public static ImmutableDictionary<string, ModelFailure> Unloadable(IEnumerable<WorkerStatus> workers)
    {
        List<WorkerStatus> ready = [.. workers.Where(w => w.Ready)];
        return ready
            .SelectMany(w => w.Failures)
            .GroupBy(f => f.Model, StringComparer.Ordinal)
            .Where(failures => failures.Count() == ready.Count && !ready.Any(w => w.Models.Contains(failures.Key, StringComparer.Ordinal)))
            .ToImmutableDictionary(failures => failures.Key, failures => failures.MinBy(f => f.RetryAt)!, StringComparer.Ordinal);
    }

    private async Task<ImmutableDictionary<string, ModelFailure>> FirstAsync(
        Task<ImmutableDictionary<string, ModelFailure>> reading, CancellationToken cancellationToken)
    {
        try
        {
            return await reading.WaitAsync(FirstWait, _time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or QueueUnavailableException)
        {
            // The queue will say for itself that it is away.
            return ImmutableDictionary<string, ModelFailure>.Empty;
        }
    }
}
