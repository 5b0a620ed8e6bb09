namespace InferenceTemplate.Core.Queue;

/// <summary>A request that a worker has in flight, and the stream entry that holds it.</summary>
/// <param name="deliveries">How often it was given to a worker, this time included.</param>
/// <param name="bytes">Size of its message.</param>
public class QueuedRequest(string entryId, InferenceRequest request, int deliveries = 1, int bytes = 0)
{
    private static readonly object s_cancelled = new();

    // The run that it is in, if any; or that its caller has left.
    private object? _state;

    public string EntryId { get; } = entryId;

    public InferenceRequest Request { get; } = request;

    public int Deliveries { get; } = deliveries;

    public int Bytes { get; } = bytes;

    /// <summary>Its caller has left.</summary>
    public bool IsCancelled => Volatile.Read(ref _state) == s_cancelled;

    /// <summary>It may be what ended the worker that had it before: no other request may share its run.</summary>
    public bool RunsAlone => AllDeliveries > 1 || HasRunBefore;

    /// <summary>A job of which an earlier attempt has not ended, whichever entry brought that.</summary>
    public bool HasRunBefore { get; set; }

    /// <summary>Those of <see cref="Deliveries"/>, and those before it came this way.</summary>
    public int AllDeliveries => Deliveries + Request.EarlierDeliveries;

    /// <summary>The number of its stream in the scripts.</summary>
    internal int Level => (int)Request.Priority + 1;

    public void Cancel() => (Interlocked.Exchange(ref _state, s_cancelled) as RunWatch)?.OneLeft();

    /// <returns>False where the caller has left already.</returns>
    internal bool Watch(RunWatch watch)
    {
        var state = Volatile.Read(ref _state);
        while (state != s_cancelled)
        {
            var before = Interlocked.CompareExchange(ref _state, watch, state);
            if (before == state)
            {
                return true;
            }

            state = before;
        }

        return false;
    }
}
