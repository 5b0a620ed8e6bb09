using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Core.Jobs;

/// <summary>Bounds and intervals of durable jobs, the same for Api and Worker.</summary>
public sealed class JobOptions
{
    public const string Section = "Jobs";

    /// <summary>Jobs of one tenant that may be queued or running before more are refused. Default 10,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxPendingPerTenant { get; set; } = 10_000;

    /// <summary>Time given to a job that names no timeout. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan DefaultTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The longest timeout that a job may ask for. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan MaxTimeout { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How often a job is begun before it is dead-lettered. Default 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>How long results are kept. Facts about the job, and its idempotency key, are kept as long again. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a worker that falls silent keeps its jobs. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the reconciler looks for what was lost. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:10:00")]
    public TimeSpan ReconcileInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Jobs that one pass of the reconciler puts into Redis at most. Default 1,000.</summary>
    [Range(1, 100_000)]
    public int ReconcileBatch { get; set; } = 1_000;

    /// <summary>A job that has been in Redis for so long without being begun is put there again, should it have been lost. Default 2 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RequeueAfter { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Jobs that may wait on one Api replica to be written; more are refused. Default 5,000.</summary>
    [Range(1, 1_000_000)]
    public int WriteBacklog { get; set; } = 5_000;

    /// <summary>Bytes of requests that may wait on one Api replica to be written; more are refused. Default 256 MiB.</summary>
    [Range(1_048_576, 16_000_000_000)]
    public long WriteBacklogBytes { get; set; } = 256L << 20;

    /// <summary>Jobs that are written in one transaction at most. Default 512.</summary>
    [Range(1, 10_000)]
    public int WriteBatch { get; set; } = 512;
}
