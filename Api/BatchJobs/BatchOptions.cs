using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>Bounds and intervals of batches.</summary>
public sealed class BatchOptions
{
    public const string Section = "Batches";

    /// <summary>Bytes of one batch's body; more are answered 413. Default 100 MiB.</summary>
    [Range(1L << 10, 16L << 30)]
    public long MaxBytes { get; set; } = 100L << 20;

    /// <summary>Lines of one batch; more are answered 413. Default 100,000.</summary>
    [Range(1, 100_000_000)]
    public int MaxLines { get; set; } = 100_000;

    /// <summary>
    /// Lines of a tenant's batches that are kept, those of a new one not counted; more are answered 429. Default 5,000,000.
    /// </summary>
    [Range(1, 1_000_000_000)]
    public int MaxLinesPerTenant { get; set; } = 5_000_000;

    /// <summary>Bytes of one line; a longer line fails alone. Default 1 MiB.</summary>
    [Range(64, 32 << 20)]
    public int MaxLineBytes { get; set; } = 1 << 20;

    /// <summary>Bytes of one line's response as JSON; a line with a longer one fails alone.</summary>
    [Range(1 << 10, 256 << 20)]
    public int MaxAnswerBytes { get; set; } = 16 << 20;

    /// <summary>Batches of one tenant that may be arriving, queued or running; more are answered 429. Default 10.</summary>
    [Range(1, 10_000)]
    public int MaxPendingPerTenant { get; set; } = 10;

    /// <summary>Time from acceptance after which a batch expires. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long output and errors are kept after the end; the batch itself for twice that. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Lines of one batch that wait in the queue or run at a time. Default 32.</summary>
    [Range(1, 1_000)]
    public int Concurrency { get; set; } = 32;

    /// <summary>Batches that one Api replica runs at a time. Default 2.</summary>
    [Range(1, 100)]
    public int RunningPerReplica { get; set; } = 2;

    /// <summary>Attempts at a line that no worker could finish, or not within its timeout. Default 2.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 2;

    /// <summary>
    /// Time without the end of any line after which a batch makes room for others; at least twice <c>Queue:MaxTimeout</c>.
    /// Default 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan StallAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a replica that stops renewing keeps its batches. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a replica looks for batches to run, and for what has expired. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);
}
