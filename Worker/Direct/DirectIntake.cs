using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Direct;

/// <summary>
/// What this worker holds of one model version by direct connections, and the bounds of that: its share of
/// <see cref="QueueOptions.MaxDepth"/> and <see cref="QueueOptions.MaxBytes"/> among the workers that serve the version, over all
/// replicas. Only the worker decides, so no number of replicas gets more in.
/// </summary>
internal sealed class DirectIntake(QueueName queue, QueueOptions bounds, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly HashSet<DirectRequest> _held = [];
    private int _workers = 1;
    private long _bytes;
    private long _removed;

    public QueueName Queue => queue;

    /// <summary>Workers that serve the version; this one is one of them.</summary>
    public int Workers
    {
        get => Volatile.Read(ref _workers);
        set => Volatile.Write(ref _workers, Math.Max(1, value));
    }

    /// <summary>Requests that wait or run.</summary>
    public int Depth
    {
        get
        {
            lock (_lock)
            {
                return _held.Count;
            }
        }
    }

    public DirectRequest[] Held
    {
        get
        {
            lock (_lock)
            {
                return [.. _held];
            }
        }
    }

    public DirectStanding Standing
    {
        get
        {
            lock (_lock)
            {
                return new DirectStanding(queue, _held.Count, _bytes, _removed);
            }
        }
    }

    /// <summary>Takes a request in; null, or the refusal. Shadow requests get half of each bound.</summary>
    public Admission? Admit(DirectRequest request)
    {
        var parts = Workers * (request.Request.Priority == Priority.Shadow ? 2 : 1);
        lock (_lock)
        {
            if (_held.Count >= Math.Max(1, bounds.MaxDepth / parts))
            {
                return new Admission(EnqueueOutcome.Full, _held.Count, _bytes, _removed);
            }

            // One that is larger than a share, and not than the whole, is taken by a worker that holds nothing.
            if (_held.Count > 0 && _bytes + request.Bytes > bounds.MaxBytes / parts)
            {
                return new Admission(EnqueueOutcome.FullOfBytes, _held.Count, _bytes, _removed);
            }

            _held.Add(request);
            _bytes += request.Bytes;
            return null;
        }
    }

    public void Release(DirectRequest request)
    {
        lock (_lock)
        {
            if (_held.Remove(request))
            {
                _bytes -= request.Bytes;
                _removed++;
            }
        }
    }

    public DirectQueueStatus Status()
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            return new DirectQueueStatus(queue.ToString(), _bytes,
            [
                .. Enumerable.Range(0, QueueKeys.Levels).Select(level =>
                {
                    var of = _held.Where(r => (int)r.Request.Priority == level).Select(r => r.Request.EnqueuedAt).ToList();
                    return new DirectLevelStatus(of.Count, of.Count == 0 ? 0 : Math.Max(0, (now - of.Min()).TotalSeconds));
                }),
            ]);
        }
    }
}
