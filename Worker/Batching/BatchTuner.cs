using System.Numerics;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Learns what batching is worth to one model on this machine. Runs are timed by size, in buckets of powers of two;
/// the median of the last runs of each, by row, says which size gives the most rows a second. A model that loses by
/// batching then runs its requests one by one, one that is bound by reading its weights in the largest batches. A size
/// that is not known yet is tried as soon as enough requests wait for it.
/// </summary>
/// <remarks>Not thread-safe: used under the lock of the <see cref="BatchQueue"/> that asks it.</remarks>
internal sealed class BatchTuner
{
    private const int Kept = 9;
    private const int Enough = 3;

    // A larger batch makes its first request wait for its last: it must be worth more than the noise of timing.
    private const double WorthIt = 0.97;

    // One run in so many tries a size beside the best, since machines and inputs change.
    private const int ExploreEvery = 64;

    private readonly int _maxRows;
    private readonly Bucket[] _buckets;
    private int _cap;
    private int _takes;
    private bool _exploreUp;

    public BatchTuner(int maxRows)
    {
        _maxRows = _cap = Best = maxRows;
        _buckets = [.. Enumerable.Range(0, Index(maxRows) + 1).Select(_ => new Bucket())];
    }

    /// <summary>The rows worth waiting for: what is best, or the maximum as long as larger was always better.</summary>
    public int Best { get; private set; }

    /// <summary>More rows than this have failed.</summary>
    public int Most => _cap;

    /// <summary>How many rows to run together out of those that wait.</summary>
    public int Limit(int available)
    {
        var most = Math.Clamp(available, 1, _cap);
        var top = Index(most);
        for (var i = top; i >= 0; i--)
        {
            if (!_buckets[i].IsKnown)
            {
                return Size(i, top, most);
            }
        }

        var best = BestWithin(top);
        if (++_takes == ExploreEvery)
        {
            _takes = 0;
            _exploreUp = !_exploreUp;
            best = Math.Clamp(best + (_exploreUp ? 1 : -1), 0, top);
        }

        return Size(best, top, most);
    }

    /// <summary>Takes note of a run.</summary>
    /// <param name="time">How long it kept its instance busy, with all that is done once a batch.</param>
    public void Record(int rows, TimeSpan time)
    {
        if (rows < 1 || rows > 2 * _maxRows)
        {
            return; // A request larger than the maximum says nothing of the sizes that can be chosen.
        }

        _buckets[Index(Math.Min(rows, _maxRows))].Add(time.TotalSeconds / rows);
        Best = Choose();
    }

    /// <summary>What a run of so many rows takes, by the nearest size known; zero where none is.</summary>
    public TimeSpan Expected(int rows)
    {
        // Asked for with every batch: of two sizes as near, the smaller.
        var index = Index(Math.Clamp(rows, 1, _maxRows));
        for (var away = 0; away < _buckets.Length; away++)
        {
            var known = index - away >= 0 && _buckets[index - away].IsKnown ? index - away
                : index + away < _buckets.Length && _buckets[index + away].IsKnown ? index + away
                : -1;
            if (known >= 0)
            {
                return TimeSpan.FromSeconds(_buckets[known].SecondsPerRow * rows);
            }
        }

        return TimeSpan.Zero;
    }

    /// <summary>Never again more than so many rows: the device has no memory for them, or the model can't be cut apart by rows.</summary>
    public void Cap(int rows)
    {
        _cap = Math.Clamp(rows, 1, _cap);
        Best = Choose();
    }

    private int Choose()
    {
        var known = Array.FindLastIndex(_buckets, Index(_cap), b => b.IsKnown);
        var best = known < 0 ? known : BestWithin(known);
        return best == known ? _cap : 1 << best;
    }

    private int BestWithin(int top)
    {
        var best = -1;
        for (var i = 0; i <= top; i++)
        {
            if (_buckets[i].IsKnown && (best < 0 || _buckets[i].SecondsPerRow < WorthIt * _buckets[best].SecondsPerRow))
            {
                best = i;
            }
        }

        return best;
    }

    private static int Size(int index, int top, int most) => index == top ? most : 1 << index;

    private static int Index(int rows) => BitOperations.Log2((uint)rows);

    private sealed class Bucket
    {
        private readonly double[] _last = new double[Kept];
        private int _count;

        public bool IsKnown => _count >= Enough;

        /// <summary>The median: a run that was interrupted tells nothing of the model.</summary>
        public double SecondsPerRow { get; private set; }

        public void Add(double secondsPerRow)
        {
            _last[_count++ % Kept] = secondsPerRow;
            Span<double> sorted = stackalloc double[Math.Min(_count, Kept)];
            _last.AsSpan(0, sorted.Length).CopyTo(sorted);
            sorted.Sort();
            SecondsPerRow = sorted[sorted.Length / 2];
            if (_count == 2 * Kept)
            {
                _count = Kept;
            }
        }
    }
}
