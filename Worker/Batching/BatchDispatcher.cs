using System.Threading.Channels;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Where those who bring requests (the reader of the queue, direct connections) and the instances of a model meet: requests wait by
/// priority until there is room for them, and each instance that becomes free takes the next batch. So a batch grows as long as all
/// instances are busy.
/// </summary>
internal sealed class BatchDispatcher(BatchRules rules, BatchTuner tuner, bool sharesRuns, TimeProvider time)
{
    // Reading takes a round trip: what runs meanwhile must be at hand, however short the runs of a model are.
    private static readonly TimeSpan ReadAhead = TimeSpan.FromMilliseconds(5);

    // A run that is shorter is over before another instance is awake.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(0.3);

    // After which an instance is woken all the same.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(2);

    private readonly object _lock = new();

    // Holds one signal at most: the reader looks anew after each.
    private readonly Channel<bool> _room = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly BatchQueue _queue = new(rules, tuner, sharesRuns);
    private readonly LevelQueue _waiting = new();

    // What is held from the queue in Redis, whose reader asks for as much as if it were alone: so neither way starves the other.
    private (int Count, int Rows, long Bytes) _queued;
    private bool _closed;
    private bool _woken;
    private bool _looks;
    private int _idle;
    private int _begun;

    /// <summary>Batches that instances have taken so far.</summary>
    public int Begun => Volatile.Read(ref _begun);

    /// <summary>The rows that are run together where enough wait, as far as it is known.</summary>
    public int EffectiveMaxRows
    {
        get
        {
            lock (_lock)
            {
                return tuner.Best;
            }
        }
    }

    /// <summary>
    /// Requests to read from the queue now: what the instances can run next and one batch more, within the bound of bytes. A worker
    /// that held more would keep it from idle ones.
    /// </summary>
    public int Room()
    {
        lock (_lock)
        {
            var (count, rows, bytes) = _queued;
            var wanted = Wanted() - rows;
            if (wanted <= 0 || bytes >= rules.MaxBytes || _closed)
            {
                return 0;
            }

            // Requests to come are taken to be as large as those that wait.
            return count == 0 ? wanted : (int)Math.Clamp((rules.MaxBytes - bytes) / Math.Max(1, bytes / count), 1, wanted);
        }
    }

    /// <summary>Waits until an instance has taken something.</summary>
    public async Task RoomAsync(CancellationToken cancellationToken) => await _room.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes requests in.</summary>
    /// <returns>False when it is closed: they are still the caller's.</returns>
    public bool Offer(IReadOnlyList<PendingRequest> requests)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }

            for (var i = 0; i < requests.Count; i++)
            {
                _waiting.Add(requests[i]);
                Count(requests[i], 1);
            }

            Fill(time.GetUtcNow());
            WakeOne();
            return true;
        }
    }

    /// <summary>Waits for the next batch; null once closed.</summary>
    public PendingRequest[]? Take()
    {
        lock (_lock)
        {
            while (!_closed)
            {
                var now = time.GetUtcNow();
                if (_queue.Take(now) is { } batch)
                {
                    foreach (var request in batch)
                    {
                        Count(request, -1);
                    }

                    Fill(now);
                    // Also where it is not due yet: who waited for it may be the one that took this batch.
                    if (_queue.NextDue() is not null)
                    {
                        WakeOne();
                    }

                    _room.Writer.TryWrite(true);
                    _begun++;
                    return batch;
                }

                // Rounded up, lest the last fraction of a millisecond be spent in a loop.
                var wait = _queue.NextDue() is { } due
                    ? (int)Math.Clamp(Math.Ceiling((due - now).TotalMilliseconds), 1, 60_000)
                    : Timeout.Infinite;
                _idle++;
                Monitor.Wait(_lock, wait);
                _idle--;
                _woken = false;
            }

            return null;
        }
    }

    public void Record(int rows, TimeSpan busy)
    {
        lock (_lock)
        {
            tuner.Record(rows, busy);
        }
    }

    /// <summary>See <see cref="BatchTuner.Cap"/>.</summary>
    public void Cap(int rows)
    {
        lock (_lock)
        {
            tuner.Cap(rows);
        }
    }

    /// <summary>Whether requests may run together.</summary>
    public bool SharesRuns => _queue.SharesRuns;

    /// <summary>From now on each request runs alone.</summary>
    public void Separate()
    {
        lock (_lock)
        {
            tuner.Cap(1);
            _queue.Separate();
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Takes requests out that are not to run here any more.</summary>
    public IReadOnlyList<PendingRequest> Remove(Predicate<PendingRequest> match)
    {
        lock (_lock)
        {
            _room.Writer.TryWrite(true);
            var removed = RemoveAll(match);
            Fill(time.GetUtcNow());
            return removed;
        }
    }

    /// <summary>Ends the instances once they have finished what they run.</summary>
    /// <returns>What was not begun.</returns>
    public IReadOnlyList<PendingRequest> Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
            return RemoveAll(_ => true);
        }
    }

    // An instance; it wakes another where it leaves a batch. None where one that runs will be back as soon as another were awake, and will
    // run more together; a look at it later covers the case that it is not back.
    private void WakeOne()
    {
        if (_idle == 0 || _woken)
        {
            return;
        }

        var run = tuner.Expected(1);
        if (_idle < rules.Instances && _queue.SharesRuns && _queue.Rows < tuner.Best && run > TimeSpan.Zero && run < Soon)
        {
            if (!_looks)
            {
                _looks = true;
                _ = LookAsync();
            }

            return;
        }

        _woken = true;
        Monitor.Pulse(_lock);
    }

    private async Task LookAsync()
    {
        await Task.Delay(BetweenLooks, time);
        lock (_lock)
        {
            _looks = false;
            // Who is woken for what is not due yet waits until it is.
            if (_idle > 0 && _queue.NextDue() is not null)
            {
                _woken = true;
                Monitor.Pulse(_lock);
            }
        }
    }

    private List<PendingRequest> RemoveAll(Predicate<PendingRequest> match)
    {
        List<PendingRequest> removed = [.. _queue.Remove(match)];
        _waiting.Remove(match, removed);
        removed.ForEach(r => Count(r, -1));
        return removed;
    }

    private void Fill(DateTimeOffset now)
    {
        var wanted = _waiting.Count > 0 ? Wanted() : 0;
        while (_waiting.Count > 0 && _queue.Rows < wanted && _queue.Bytes < rules.MaxBytes)
        {
            _queue.Add(_waiting.Take(), now);
        }
    }

    // Rows that are at hand for the instances.
    private int Wanted()
    {
        var most = (rules.Instances + 1) * rules.MaxRows;
        var perRow = tuner.Expected(1);
        var ahead = perRow > TimeSpan.Zero ? (int)Math.Min(most, rules.Instances * ReadAhead / perRow) : 0;
        return Math.Min(most, Math.Max((rules.Instances + 1) * (_queue.SharesRuns ? tuner.Best : 1), ahead));
    }

    private void Count(PendingRequest request, int sign)
    {
        if (!request.IsDirect)
        {
            _queued = (_queued.Count + sign, _queued.Rows + (sign * request.Rows), _queued.Bytes + (sign * request.Bytes));
        }
    }
}
