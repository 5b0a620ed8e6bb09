using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Retention;

/// <summary>How many days records are kept. A tenant's own number of days goes before those of predictions, jobs and batches.</summary>
public sealed class RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>Default 30.</summary>
    [Range(1, 3_650)]
    public int PredictionDays { get; set; } = 30;

    /// <summary>Of finished jobs at most, should <c>Jobs:Retention</c> be longer. Default 30.</summary>
    [Range(1, 3_650)]
    public int JobDays { get; set; } = 30;

    /// <summary>Of finished batches. Default 30.</summary>
    [Range(1, 3_650)]
    public int BatchDays { get; set; } = 30;

    /// <summary>Of comparisons with shadow versions. Default 30.</summary>
    [Range(1, 3_650)]
    public int ShadowComparisonDays { get; set; } = 30;

    /// <summary>Default 400: a year, and time to look back at it.</summary>
    [Range(1, 3_650)]
    public int UsageDays { get; set; } = 400;

    /// <summary>Of the audit chain, whose beginning is then pruned. Default 400.</summary>
    [Range(1, 3_650)]
    public int AuditDays { get; set; } = 400;

    /// <summary>How often it is looked for what is too old. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "1.00:00:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Rows that one statement deletes at most. Default 5,000.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; set; } = 5_000;

    /// <summary>What the database is given to breathe after each full batch. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan Pause { get; set; } = TimeSpan.FromMilliseconds(100);
}
