using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Live;

/// <summary>
/// One point of the charts, with latency in milliseconds. Null values are a gap: no traffic, or no answer from the Api.
/// <paramref name="Age"/> is seconds relative to the right edge of the charts, so 0 or negative: they need no time zone that way.
/// </summary>
public sealed record Sample(
    DateTimeOffset Time,
    double Age,
    double? RequestsPerSecond,
    double? ErrorsPerSecond,
    double? RejectionsPerSecond,
    double? P50,
    double? P95,
    double? P99,
    double? QueueDepth,
    double? OldestWait = null)
{
    public static Sample Of(DateTimeOffset time, Overview overview) => new(
        time,
        0,
        overview.RequestsPerSecond,
        overview.ErrorsPerSecond,
        overview.RejectionsPerSecond,
        Milliseconds(overview.Latency.P50),
        Milliseconds(overview.Latency.P95),
        Milliseconds(overview.Latency.P99),
        overview.QueueDepth,
        overview.OldestWaitSeconds);

    /// <param name="end">Of the last step.</param>
    public static Sample Of(TrafficPoint point, DateTimeOffset end) => new(
        point.At,
        (point.At - end).TotalSeconds,
        point.RequestsPerSecond,
        point.ErrorsPerSecond,
        point.RejectionsPerSecond,
        Milliseconds(point.P50),
        Milliseconds(point.P95),
        Milliseconds(point.P99),
        point.QueueDepth,
        point.OldestWaitSeconds);

    public static Sample Gap(DateTimeOffset time) => new(time, 0, null, null, null, null, null, null, null);

    private static double? Milliseconds(double? seconds) => seconds * 1000;
}
