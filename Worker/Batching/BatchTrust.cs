using System.Collections.Concurrent;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.ModelCache;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Which versions this worker has found not to be batchable while it served them: at once for itself, and in the registry for all, as
/// soon as that can be reached.
/// </summary>
internal sealed partial class BatchTrust(
    VersionInspections inspections, ServingState state, Telemetry telemetry, TimeProvider time, ILogger<BatchTrust> logger) : IDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<ModelKey, Task> _ended = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Whether requests for the version may still share runs, as far as this worker has seen.</summary>
    public bool Holds(ModelKey key) => !_ended.ContainsKey(key);

    /// <summary>Ends it for good. Returns at once.</summary>
    public void End(ModelKey key, string reason)
    {
        _ = _ended.GetOrAdd(key, _ =>
        {
            LogEnded(key, reason);
            telemetry.BatchingEnded(key.Model, key.Version);
            var stop = _stop.Token;
            return Task.Run(() => KeepAsync(key, reason, stop));
        });
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async Task KeepAsync(ModelKey key, string reason, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await inspections.ContradictAsync(key.Model, key.Version, reason, state.WorkerId, stop);
                return;
            }
            catch (Exception exception) when (!stop.IsCancellationRequested)
            {
                LogNotKept(key, exception.Message);
                await Task.Delay(Retry, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                // The process ends; another that sees the same will say so.
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "Requests of {Model} run one by one from now on, whatever its settings say: {Reason}")]
    private partial void LogEnded(ModelKey model, string reason);

    [LoggerMessage(LogLevel.Warning, "The registry could not be told yet that {Model} is not to be batched: {Reason}")]
    private partial void LogNotKept(ModelKey model, string reason);
}
