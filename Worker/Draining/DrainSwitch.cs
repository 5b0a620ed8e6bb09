namespace InferenceTemplate.Worker.Draining;

/// <summary>
/// Has this worker take nothing new, by an administrator's order, until another order. What serves takes a turn; it ends it soon after
/// <see cref="Turn.Drained"/>, once what it has in flight is finished. The order is kept in memory only: a worker that starts anew serves.
/// </summary>
internal sealed partial class DrainSwitch(ILogger<DrainSwitch> logger) : IDisposable
{
    private readonly Lock _lock = new();
    private CancellationTokenSource _drained = new();
    private TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isDrained;
    private int _turns;

    /// <summary>Whether nothing new is taken.</summary>
    public bool IsDrained
    {
        get
        {
            lock (_lock)
            {
                return _isDrained;
            }
        }
    }

    /// <summary>Whether nothing new is taken and nothing is left to finish.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _isDrained && _turns == 0;
            }
        }
    }

    /// <summary>Waits while the worker is drained, then keeps it from being empty until the turn is disposed.</summary>
    public async Task<Turn> EnterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task opened;
            lock (_lock)
            {
                if (!_isDrained)
                {
                    _turns++;
                    return new Turn(this, _drained.Token);
                }

                opened = _opened.Task;
            }

            await opened.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Follows an order; one that is followed already changes nothing. Not to be called by two at once.</summary>
    public async Task SetAsync(bool drained)
    {
        CancellationTokenSource draining;
        lock (_lock)
        {
            if (drained == _isDrained)
            {
                return;
            }

            _isDrained = drained;
            draining = _drained;
            if (drained)
            {
                _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            else
            {
                // Turns may still hold the token of the one before, which has nothing else to dispose.
                _drained = new CancellationTokenSource();
                _opened.SetResult();
            }
        }

        if (drained)
        {
            LogDrained();
            await draining.CancelAsync();
        }
        else
        {
            LogUndrained();
        }
    }

    public void Dispose() => _drained.Dispose();

    private void Leave()
    {
        lock (_lock)
        {
            _turns--;
        }
    }

    internal sealed class Turn(DrainSwitch drain, CancellationToken drained) : IDisposable
    {
        /// <summary>Cancelled when nothing new is to be taken any more.</summary>
        public CancellationToken Drained => drained;

        public void Dispose() => drain.Leave();
    }

    [LoggerMessage(LogLevel.Information, "Drained by an administrator: nothing new is taken until it is undone")]
    private partial void LogDrained();

    [LoggerMessage(LogLevel.Information, "No longer drained: work is taken again")]
    private partial void LogUndrained();
}
