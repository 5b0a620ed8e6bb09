namespace InferenceTemplate.Core.Queue;

/// <summary>A request that a worker has in flight, and the stream entry that holds it.</summary>
/// <param name="deliveries">How often it was given to a worker, this time included.</param>
/// <param name="bytes">Size of its message.</param>
public class QueuedRequest(string entryId, InferenceRequest request, int deliveries = 1, int bytes = 0)
{
    private readonly Lock _lock = new();
    private RunWatch? _watch;
    private volatile bool _cancelled;

    public string EntryId { get; } = entryId;

    public InferenceRequest Request { get; } = request;

    public int Deliveries { get; } = deliveries;

    public int Bytes { get; } = bytes;

    /// <summary>Its caller has left.</summary>
    public bool IsCancelled => _cancelled;

    /// <summary>It may be what ended the worker that had it before: no other request may share its run.</summary>
    public bool RunsAlone => AllDeliveries > 1;

    /// <summary>Those of <see cref="Deliveries"/>, and those before it came this way.</summary>
    public int AllDeliveries => Deliveries + Request.EarlierDeliveries;

    /// <summary>The number of its stream in the scripts.</summary>
    internal int Level => (int)Request.Priority + 1;

    public void Cancel()
    {
        RunWatch? watch;
        lock (_lock)
        {
            if (_cancelled)
            {
                return;
            }

            _cancelled = true;
            watch = _watch;
        }

        watch?.OneLeft();
    }

    /// <returns>False where the caller has left already.</returns>
    internal bool Watch(RunWatch watch)
    {
        lock (_lock)
        {
            _watch = watch;
            return !_cancelled;
        }
    }
}
