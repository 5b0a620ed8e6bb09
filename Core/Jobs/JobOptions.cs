using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Core.Jobs;

/// <summary>Bounds and intervals of durable jobs, the same for Api and Worker.</summary>
public sealed class JobOptions
{
    public const string Section = "Jobs";

    /// <summary>Jobs of one tenant that may be queued or running; more are answered 429. Default 10,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxPendingPerTenant { get; set; } = 10_000;

    /// <summary>Timeout of a job that names none: it must have started by then. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan DefaultTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The longest timeout that a job may ask for. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxTimeout { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long the run of a job may take; it is ended then, and the job fails. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxRunTime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Attempts before a job whose workers died is dead-lettered. Default 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>How long results, and requests without one, are kept; jobs and their idempotency keys twice that. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a worker that stops renewing keeps its jobs. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the reconciler looks for what was lost. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:10:00")]
    public TimeSpan ReconcileInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Jobs that one pass of the reconciler enqueues at most. Default 1,000.</summary>
    [Range(1, 100_000)]
    public int ReconcileBatch { get; set; } = 1_000;

    /// <summary>
    /// Time in the queue without being started after which the entry of a job is looked for, and the job enqueued once more where there is
    /// none. Default 2 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RequeueAfter { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Jobs that may wait on one Api replica to be committed; more are answered 503. Default 5,000.</summary>
    [Range(1, 1_000_000)]
    public int WriteBacklog { get; set; } = 5_000;

    /// <summary>Bytes of their requests; more are answered 503. Default 256 MiB.</summary>
    [Range(1_048_576, 16_000_000_000)]
    public long WriteBacklogBytes { get; set; } = 256L << 20;

    /// <summary>Jobs committed in one transaction at most. Default 512.</summary>
    [Range(1, 10_000)]
    public int WriteBatch { get; set; } = 512;
}
