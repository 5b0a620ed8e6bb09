using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Core.Queue;

/// <summary>Bounds of the queue, the same for Api and Worker.</summary>
public sealed class QueueOptions
{
    public const string Section = "Queue";

    internal static readonly TimeSpan LongestBackoff = TimeSpan.FromMinutes(1);

    /// <summary>Requests that may wait or run for one model version; more are answered 503. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxDepth { get; set; } = 1_000;

    /// <summary>
    /// Bytes of requests that may wait or run for one model version; more are answered 503, a single larger request 413. Default 256 MiB.
    /// </summary>
    [Range(1024L, 1L << 40)]
    public long MaxBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Timeout of a request that names none. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan DefaultTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest timeout that a request may ask for. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan MaxTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How often workers poll when no wake-up arrives. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long a worker may fail to renew a request before another worker takes it. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan VisibilityTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Deliveries of a request to workers before it becomes a dead letter. Default 3.</summary>
    [Range(1, 100)]
    public int MaxDeliveries { get; set; } = 3;

    /// <summary>Wait before the second delivery; doubles with each further one, up to a minute. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RetryBackoff { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Dead letters kept per model version; the oldest go. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxDeadLetters { get; set; } = 1_000;

    /// <summary>How often a worker renews what it has in flight: three chances within the visibility time.</summary>
    public TimeSpan KeepInterval => VisibilityTime / 3;

    /// <summary>The wait before a request that was delivered so often is delivered again.</summary>
    public TimeSpan BackoffAfter(int deliveries)
    {
        var doubled = RetryBackoff * Math.Pow(2, Math.Min(deliveries - 1, 16));
        return doubled < LongestBackoff ? doubled : LongestBackoff;
    }
}
