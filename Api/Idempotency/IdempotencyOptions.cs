using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>How answers to requests with an idempotency key are kept.</summary>
public sealed class IdempotencyOptions
{
    public const string Section = "Idempotency";

    /// <summary>How long a key is remembered. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Bytes of the longest answer that is kept; a request with a longer one is done again. Default 1 MiB.</summary>
    [Range(1 << 10, 32 << 20)]
    public int MaxAnswerBytes { get; set; } = 1 << 20;

    /// <summary>How long a request counts as in hand after the last word of whoever handles it. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lock { get; set; } = TimeSpan.FromSeconds(30);
}
