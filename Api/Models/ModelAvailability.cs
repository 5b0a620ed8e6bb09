using System.Collections.Immutable;
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
public sealed class ModelAvailability(FleetRegistry fleet, TimeProvider time)
{
    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(1);
    // Redis may hang for longer than a caller waits, and nothing has to be known here.
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private ImmutableDictionary<string, ModelFailure> _failures = ImmutableDictionary<string, ModelFailure>.Empty;
    private long? _readAt;
    private Task? _reading;

    /// <summary>Null: the version may be asked, as far as is known.</summary>
    public async ValueTask<Unavailability?> OfAsync(string model, string version, CancellationToken cancellationToken)
    {
        if (Refresh() is { IsCompleted: false } first)
        {
            try
            {
                await first.WaitAsync(FirstWait, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // The queue will say for itself that it is away.
            }
        }

        // Almost always there are no failures at all: no key is made for nothing.
        var failures = _failures;
        if (failures.IsEmpty || !failures.TryGetValue($"{model}/{version}", out var failure))
        {
            return null;
        }

        // Once it may be tried again somebody has to ask, or it never would be.
        var wait = failure.RetryAt - time.GetUtcNow();
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

    // Only the first reader waits for the answer; later ones go on with what was known while it is read again.
    private Task Refresh()
    {
        lock (_lock)
        {
            if (_readAt is { } at && time.GetElapsedTime(at) < CacheDuration)
            {
                return Task.CompletedTask;
            }

            _reading ??= Task.Run(ReadAsync);
            return _readAt is null ? _reading : Task.CompletedTask;
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            _failures = Unloadable(await fleet.WorkersAsync());
        }
        catch (QueueUnavailableException)
        {
            // What was known stands; the queue will say for itself that it is away.
        }
        finally
        {
            lock (_lock)
            {
                _readAt = time.GetTimestamp();
                _reading = null;
            }
        }
    }
}
