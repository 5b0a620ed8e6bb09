using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// What ends a run early: its last deadline passes, the last of its callers leaves, or it must be returned. The thread of an instance has
/// one, for one run after the other.
/// </summary>
internal sealed class RunScope : IDisposable
{
    [ThreadStatic]
    private static RunScope? t_kept;

    private readonly TimeProvider _time;
    private readonly Action _cancel;
    private CancellationTokenSource? _nobodyWaits;
    private IDisposable? _abandoned;
    private CancellationTokenRegistration _stopping;

    private RunScope(TimeProvider time)
    {
        _time = time;
        _cancel = Cancel;
        Assembled = () => AssembledAt = _time.GetTimestamp();
    }

    public CancellationToken Token => _nobodyWaits!.Token;

    /// <summary>To be called when the inputs are in the form that the runtime reads.</summary>
    public Action Assembled { get; }

    /// <summary>When it was called; before that, when the run began.</summary>
    public long AssembledAt { get; private set; }

    /// <param name="most">How long the run may take.</param>
    public static RunScope Begin(IReadOnlyList<QueuedRequest> requests, TimeSpan most, TimeProvider time, CancellationToken stopRuns)
    {
        var scope = t_kept is { } kept && kept._time == time ? kept : new RunScope(time);
        t_kept = null;
        scope.AssembledAt = time.GetTimestamp();
        if (scope._nobodyWaits is { } unused && most > TimeSpan.Zero)
        {
            unused.CancelAfter(most);
        }
        else
        {
            scope._nobodyWaits = new CancellationTokenSource(most, time);
        }

        scope._abandoned = QueueConsumer.OnAbandoned(requests, scope._cancel);
        scope._stopping = stopRuns.UnsafeRegister(static scope => ((RunScope)scope!).Cancel(), scope);
        return scope;
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _abandoned!.Dispose();
        if (!_nobodyWaits!.TryReset())
        {
            _nobodyWaits.Dispose();
            _nobodyWaits = null;
        }

        t_kept = this;
    }

    private void Cancel() => _nobodyWaits!.Cancel();
}
