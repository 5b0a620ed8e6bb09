namespace InferenceTemplate.Api.Inference;

/// <summary>
/// How fast one queue drains, from the counts of removed requests that admissions bring back: the same number on every replica,
/// and no round trip of its own.
/// </summary>
public sealed class DrainRate(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private (long Removed, long At)? _from;
    private double? _perSecond;

    /// <summary>Requests a second over the last whole window; null while too little was seen.</summary>
    public double? PerSecond
    {
        get
        {
            lock (_lock)
            {
                return _perSecond;
            }
        }
    }

    public void Observe(long removed)
    {
        var now = time.GetTimestamp();
        lock (_lock)
        {
            // Fewer than before: Redis lost its data, and the count began anew.
            if (_from is not { } from || removed < from.Removed)
            {
                _from = (removed, now);
                return;
            }

            var elapsed = time.GetElapsedTime(from.At, now);
            if (elapsed < Window)
            {
                return;
            }

            // After a long silence the mean of all of it says little of now, but more than nothing.
            _perSecond = (removed - from.Removed) / elapsed.TotalSeconds;
            _from = (removed, now);
        }
    }
}
