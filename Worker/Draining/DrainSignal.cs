namespace InferenceTemplate.Worker.Draining;

/// <summary>
/// Tells everything that serves that the process is stopping, and waits until all of it is done. That happens before the
/// host stops anything else, so that meanwhile probes are answered, and Redis and Postgres are there for the last answers.
/// </summary>
internal sealed partial class DrainSignal(
    ServingState state, TimeProvider time, ILogger<DrainSignal> logger) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _started = new();
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _present;

    /// <summary>Cancelled when the process begins to stop: take nothing new.</summary>
    public CancellationToken Started => _started.Token;

    /// <summary>Has the drain wait for the caller, until the result is disposed.</summary>
    public IDisposable Enter()
    {
        lock (_lock)
        {
            _present++;
        }

        return new Presence(this);
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        state.Draining = true;
        LogDraining(state.InFlight);
        await _started.CancelAsync();
        lock (_lock)
        {
            if (_present == 0)
            {
                _empty.TrySetResult();
            }
        }

        await _empty.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        LogDrained(time.GetElapsedTime(start).TotalMilliseconds, state.InFlight);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _started.Dispose();

    private void Leave()
    {
        lock (_lock)
        {
            if (--_present == 0 && _started.IsCancellationRequested)
            {
                _empty.TrySetResult();
            }
        }
    }

    private sealed class Presence(DrainSignal drain) : IDisposable
    {
        public void Dispose() => drain.Leave();
    }

    [LoggerMessage(LogLevel.Information, "Told to stop: nothing new is taken, {InFlight} requests are finished or returned")]
    private partial void LogDraining(int inFlight);

    [LoggerMessage(LogLevel.Information, "Drained after {Milliseconds:F0} ms, {InFlight} requests left in flight")]
    private partial void LogDrained(double milliseconds, int inFlight);
}
