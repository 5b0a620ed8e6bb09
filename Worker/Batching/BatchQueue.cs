using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Forms batches out of the requests that this worker holds. Knows neither threads nor clocks: its owner locks it and
/// says what time it is.
/// </summary>
internal sealed class BatchQueue(BatchRules rules, BatchTuner tuner, bool sharesRuns)
{
    // How many batches' worth of later, higher requests may overtake one of each level. Finite, so that none starves:
    // the consumer reads by weight, and what it has read must not be held back for ever.
    private static readonly int[] Handicaps = [0, 1, 4, 8];

    private readonly List<ShapeGroup> _groups = [];
    private bool _sharesRuns = sharesRuns;
    private long _arrivals;

    /// <summary>Whether requests may run together. May be read without its owner's lock.</summary>
    public bool SharesRuns => Volatile.Read(ref _sharesRuns);

    public int Count { get; private set; }

    public int Rows { get; private set; }

    public long Bytes { get; private set; }

    public void Add(PendingRequest request, DateTimeOffset now)
    {
        var level = Math.Min((int)request.Request.Priority, Handicaps.Length - 1);
        request.Order = _arrivals + ((long)Handicaps[level] * rules.MaxRows);
        request.Since = request.Request.EnqueuedAt < now ? request.Request.EnqueuedAt : now;
        _arrivals += request.Rows;
        Count++;
        Rows += request.Rows;
        Bytes += request.Bytes;

        var alone = !_sharesRuns || request.RunsAlone;
        if (!alone)
        {
            foreach (var group in _groups)
            {
                if (group.Takes(request))
                {
                    group.Add(request);
                    return;
                }
            }
        }

        _groups.Add(new ShapeGroup(request, alone, rules.Ragged));
    }

    /// <summary>The requests to run together now, in order of service; null while waiting for more is better, or there are none.</summary>
    public PendingRequest[]? Take(DateTimeOffset now)
    {
        ShapeGroup? group = null;
        foreach (var other in _groups)
        {
            if ((group is null || other.Requests[0].Order < group.Requests[0].Order) && (IsFull(other) || Due(other) <= now))
            {
                group = other;
            }
        }

        if (group is null)
        {
            return null;
        }

        var batch = group.TakeFirst(Cut(group));
        Forget(group);
        Left(batch);
        return batch;
    }

    /// <summary>When <see cref="Take"/> gives something though nothing more comes; null when nothing is held.</summary>
    public DateTimeOffset? NextDue()
    {
        DateTimeOffset? next = null;
        foreach (var group in _groups)
        {
            var due = IsFull(group) ? DateTimeOffset.MinValue : Due(group);
            next = next < due ? next : due;
        }

        return next;
    }

    /// <summary>From now on each request runs alone, those that wait too.</summary>
    public void Separate()
    {
        Volatile.Write(ref _sharesRuns, false);
        foreach (var group in _groups.Where(g => g.Requests.Count > 1).ToArray())
        {
            _groups.Remove(group);
            _groups.AddRange(group.Requests.Select(r => new ShapeGroup(r, alone: true, rules.Ragged)));
        }
    }

    /// <summary>Removes what need not run any more.</summary>
    public IReadOnlyList<PendingRequest> Remove(Predicate<PendingRequest> match)
    {
        List<PendingRequest> removed = [];
        foreach (var group in _groups.ToArray())
        {
            group.RemoveAll(match, removed);
            Forget(group);
        }

        Left(CollectionsMarshal.AsSpan(removed));
        return removed;
    }

    private void Left(ReadOnlySpan<PendingRequest> requests)
    {
        foreach (var request in requests)
        {
            Count--;
            Rows -= request.Rows;
            Bytes -= request.Bytes;
        }
    }

    private void Forget(ShapeGroup group)
    {
        if (group.Requests.Count == 0)
        {
            _groups.Remove(group);
        }
    }

    private bool IsFull(ShapeGroup group) =>
        group.Alone || group.Rows >= tuner.Best || group.Rows >= tuner.Most || (rules.PreferredRows.Count > 0 && group.Rows >= rules.PreferredRows[0]);

    // The wait ends early where a request of the batch would else miss its deadline.
    private DateTimeOffset Due(ShapeGroup group)
    {
        var due = group.Oldest + rules.MaxDelay;
        var latest = group.NearestDeadline - (2 * tuner.Expected(group.Rows));
        return latest < due ? latest : due;
    }

    /// <summary>How many of the group's requests go: as many as the limit lets, or up to the last preferred size met on the way.</summary>
    private int Cut(ShapeGroup group)
    {
        var limit = rules.PreferredRows.Count > 0 ? tuner.Most : tuner.Limit(group.Rows);
        var (rows, count, preferred) = (0, 0, 0);
        var padding = rules.Ragged == RaggedShapes.Pad ? new PaddedSize() : null;
        foreach (var request in group.Requests)
        {
            if (count > 0 && (rows + request.Rows > limit || padding?.With(request) > rules.MaxBytes))
            {
                break;
            }

            padding?.Add(request);
            rows += request.Rows;
            count++;
            if (rules.PreferredRows.Contains(rows))
            {
                preferred = count;
            }
        }

        return preferred > 0 ? preferred : count;
    }
}
