using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>The right to use an open model: while anybody holds one, the model is not evicted.</summary>
internal sealed class ModelLease : IDisposable
{
    private Action? _release;

    internal ModelLease(ModelSession session, Action release)
    {
        Session = session;
        _release = release;
    }

    public ModelSession Session { get; }

    /// <summary>Gives the lease back; a second time does nothing.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
