using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>Bounds and intervals of batches.</summary>
public sealed class BatchOptions
{
    public const string Section = "Batches";

    /// <summary>Bytes of one batch's body. 1 KiB to 16 GiB, default 100 MiB.</summary>
    [Range(1L << 10, 16L << 30)]
    public long MaxBytes { get; set; } = 100L << 20;

    /// <summary>Bytes of one line; a longer one fails alone. 64 B to 32 MiB, default 1 MiB.</summary>
    [Range(64, 32 << 20)]
    public int MaxLineBytes { get; set; } = 1 << 20;

    /// <summary>Batches of one tenant that may be on their way in, queued or running; more are refused. Default 10.</summary>
    [Range(1, 10_000)]
    public int MaxPendingPerTenant { get; set; } = 10;

    /// <summary>Time that a batch has, from its acceptance; then it expires. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a batch's files are kept after its end. What is known of it is kept as long again. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Lines of one batch that wait in the queue or run at a time. Default 32.</summary>
    [Range(1, 1_000)]
    public int Concurrency { get; set; } = 32;

    /// <summary>Batches that one Api replica runs at a time. Default 2.</summary>
    [Range(1, 100)]
    public int RunningPerReplica { get; set; } = 2;

    /// <summary>How often a line is given to the queue again that no worker could run, such as one that ends workers. Default 2 in all.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 2;

    /// <summary>
    /// A batch none of whose lines has ended for so long makes room for others, and is tried again after them. At least as long as a
    /// request may take. Default 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan StallAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a replica that falls silent keeps its batches. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a replica looks for batches to run, and for what has expired. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);
}
