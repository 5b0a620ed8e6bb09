using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Retention;

/// <summary>How many days records are kept. A tenant's own number of days goes before those of predictions, jobs and batches.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>Days that prediction records are kept. Default 30.</summary>
    [Range(1, 3_650)]
    public int PredictionDays { get; set; } = 30;

    /// <summary>Days that finished jobs are kept at most, where <c>Jobs:Retention</c> is longer. Default 30.</summary>
    [Range(1, 3_650)]
    public int JobDays { get; set; } = 30;

    /// <summary>Days that finished batches are kept at most. Default 30.</summary>
    [Range(1, 3_650)]
    public int BatchDays { get; set; } = 30;

    /// <summary>Days that comparisons with shadow versions are kept. Default 30.</summary>
    [Range(1, 3_650)]
    public int ShadowComparisonDays { get; set; } = 30;

    /// <summary>Days that windows of drift are kept; baselines stay. Default 7.</summary>
    [Range(1, 3_650)]
    public int DriftDays { get; set; } = 7;

    /// <summary>Days that usage by the hour is kept. Default 400.</summary>
    [Range(1, 3_650)]
    public int UsageDays { get; set; } = 400;

    /// <summary>Days that the audit chain is kept; its beginning is then pruned. Default 400.</summary>
    [Range(1, 3_650)]
    public int AuditDays { get; set; } = 400;

    /// <summary>Time between passes. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "1.00:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Rows that one statement deletes at most. Default 5,000.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; set; } = 5_000;

    /// <summary>Pause after each full statement. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan Pause { get; set; } = TimeSpan.FromMilliseconds(100);
}
