using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Api.Overview;

/// <param name="ErrorsPerSecond">Of the requests, those that were answered with a 5xx.</param>
/// <param name="RejectionsPerSecond">Of the requests, those that were answered with a 4xx.</param>
internal sealed record TrafficRates(
    double RequestsPerSecond, double ErrorsPerSecond, double RejectionsPerSecond, int InFlight, LatencyBuckets Latencies);

/// <summary>Counts this replica's inference requests second by second, over the last ten.</summary>
internal sealed class TrafficMeter(TimeProvider time)
{
    private const int Seconds = 10;

    private readonly Lock _lock = new();
    private readonly Second[] _ring = [.. Enumerable.Range(0, Seconds + 1).Select(_ => new Second())];
    private int _inFlight;

    /// <summary>A request has come; <see cref="End"/> is to follow, however it ends.</summary>
    public void Begin() => Interlocked.Increment(ref _inFlight);

    /// <param name="latency">Counted for what was answered or failed: how fast a request is refused would hide how long an answer
    /// takes.</param>
    public void End(TimeSpan latency, int status)
    {
        Interlocked.Decrement(ref _inFlight);
        lock (_lock)
        {
            var now = Now();
            var second = _ring[now % _ring.Length];
            if (second.Number != now)
            {
                second.Reset(now);
            }

            second.Requests++;
            switch (status)
            {
                case >= 500:
                    second.Errors++;
                    second.Latencies.Add(latency.TotalSeconds);
                    break;
                case >= 400 and not InferenceCallResult.ClientClosedRequest:
                    second.Rejections++;
                    break;
                case StatusCodes.Status200OK:
                    second.Latencies.Add(latency.TotalSeconds);
                    break;
            }
        }
    }

    /// <summary>What the last ten whole seconds saw.</summary>
    public TrafficRates Read()
    {
        lock (_lock)
        {
            var now = Now();
            var recent = _ring.Where(s => s.Number < now && s.Number >= now - Seconds).ToList();
            var latencies = recent.Aggregate(LatencyBuckets.Empty(), (sum, s) => sum.Plus(s.Latencies));
            return new TrafficRates(
                PerSecond(s => s.Requests), PerSecond(s => s.Errors), PerSecond(s => s.Rejections), _inFlight, latencies);

            double PerSecond(Func<Second, long> count) => (double)recent.Sum(count) / Seconds;
        }
    }

    private long Now() => time.GetTimestamp() / time.TimestampFrequency;

    private sealed class Second
    {
        public long Number = long.MinValue;
        public long Requests;
        public long Errors;
        public long Rejections;
        public LatencyBuckets Latencies = LatencyBuckets.Empty();

        public void Reset(long number)
        {
            Number = number;
            Requests = 0;
            Errors = 0;
            Rejections = 0;
            Latencies = LatencyBuckets.Empty();
        }
    }
}
