using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Requests that may run together, in order of service.</summary>
internal sealed class ShapeGroup(PendingRequest first, bool alone, RaggedShapes ragged)
{
    private readonly List<PendingRequest> _requests = [first];

    public List<PendingRequest> Requests => _requests;

    public int Rows { get; private set; } = first.Rows;

    public DateTimeOffset Oldest => _requests.Min(r => r.Since);

    public DateTimeOffset NearestDeadline => _requests.Min(r => r.Request.Deadline);

    /// <summary>Whether its one request must not share a run.</summary>
    public bool Alone => alone;

    public bool Takes(PendingRequest request) =>
        !alone && (ragged == RaggedShapes.Pad || SameShapes(_requests[0], request));

    public void Add(PendingRequest request)
    {
        var at = _requests.Count;
        while (at > 0 && _requests[at - 1].Order > request.Order)
        {
            at--;
        }

        _requests.Insert(at, request);
        Rows += request.Rows;
    }

    public PendingRequest[] TakeFirst(int count)
    {
        var taken = new PendingRequest[count];
        _requests.CopyTo(0, taken, 0, count);
        _requests.RemoveRange(0, count);
        foreach (var request in taken)
        {
            Rows -= request.Rows;
        }

        return taken;
    }

    public void RemoveAll(Predicate<PendingRequest> match, List<PendingRequest> removed)
    {
        var before = removed.Count;
        removed.AddRange(_requests.Where(r => match(r)));
        if (removed.Count > before)
        {
            _requests.RemoveAll(match);
            Rows = _requests.Sum(r => r.Rows);
        }
    }

    private static bool SameShapes(PendingRequest one, PendingRequest other)
    {
        for (var i = 0; i < one.Inputs.Length; i++)
        {
            if (!one.Inputs[i].Shape.AsSpan(1).SequenceEqual(other.Inputs[i].Shape.AsSpan(1)))
            {
                return false;
            }
        }

        return true;
    }
}
