using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Inference.Queue;

/// <summary>Bounds of the queue, the same for Api and Worker.</summary>
public sealed class QueueOptions
{
    public const string Section = "Queue";

    /// <summary>Requests that may wait or run per model version before new ones are refused. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxDepth { get; set; } = 1_000;

    /// <summary>Time given to a request that names no timeout. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan DefaultTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest timeout that a request may ask for. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan MaxTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How often workers look for work without having been woken: pub/sub may lose a message. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:10")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(250);
}
