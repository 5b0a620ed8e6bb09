namespace InferenceTemplate.Core.Queue;

/// <summary>Waits until the callers of all requests of a run have left.</summary>
internal sealed class RunWatch : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Action _terminate;
    private int _waiting;
    private bool _disposed;

    public RunWatch(IReadOnlyList<QueuedRequest> run, Action terminate)
    {
        _terminate = terminate;
        _waiting = run.Count;
        for (var i = 0; i < run.Count; i++)
        {
            if (!run[i].Watch(this))
            {
                OneLeft();
            }
        }
    }

    public void OneLeft()
    {
        // Under the lock, so that nothing is terminated once the run's owner has disposed of this.
        lock (_lock)
        {
            if (--_waiting == 0 && !_disposed)
            {
                _terminate();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }
    }
}
