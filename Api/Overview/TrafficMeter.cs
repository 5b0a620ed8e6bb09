using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Api.Overview;

/// <summary>Counts this replica's inference requests second by second, over the last ten.</summary>
internal sealed class TrafficMeter(TimeProvider time)
{
    private const int Seconds = 10;

    private readonly Lock _lock = new();
    private readonly Second[] _ring = [.. Enumerable.Range(0, Seconds + 1).Select(_ => new Second())];
    private int _inFlight;

    /// <summary>Starts a request's measurement; dispose it however the request ends.</summary>
    public Measurement Begin()
    {
        Interlocked.Increment(ref _inFlight);
        return new Measurement(this);
    }

    /// <summary>What the last ten whole seconds saw.</summary>
    public (double RequestsPerSecond, double ErrorsPerSecond, int InFlight, LatencyBuckets Latencies) Read()
    {
        lock (_lock)
        {
            var now = Now();
            var recent = _ring.Where(s => s.Number < now && s.Number >= now - Seconds).ToList();
            var latencies = recent.Aggregate(LatencyBuckets.Empty(), (sum, s) => sum.Plus(s.Latencies));
            return ((double)recent.Sum(s => s.Requests) / Seconds, (double)recent.Sum(s => s.Errors) / Seconds, _inFlight, latencies);
        }
    }

    private void Count(TimeSpan latency, bool failed)
    {
        lock (_lock)
        {
            var now = Now();
            var second = _ring[now % _ring.Length];
            if (second.Number != now)
            {
                second.Reset(now);
            }

            second.Requests++;
            second.Errors += failed ? 1 : 0;
            second.Latencies.Add(latency.TotalSeconds);
        }
    }

    private long Now() => time.GetTimestamp() / time.TimestampFrequency;

    /// <summary>One request under way.</summary>
    public sealed class Measurement(TrafficMeter meter) : IDisposable
    {
        /// <summary>Counts the request; one that is never ended (refused before it reached the queue) is not counted.</summary>
        public void End(TimeSpan latency, bool failed) => meter.Count(latency, failed);

        public void Dispose() => Interlocked.Decrement(ref meter._inFlight);
    }

    private sealed class Second
    {
        public long Number = long.MinValue;
        public long Requests;
        public long Errors;
        public LatencyBuckets Latencies = LatencyBuckets.Empty();

        public void Reset(long number)
        {
            Number = number;
            Requests = 0;
            Errors = 0;
            Latencies = LatencyBuckets.Empty();
        }
    }
}
