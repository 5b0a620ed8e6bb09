using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>Which models stay open, and for how long. Bound from <c>Worker</c>, beside <see cref="WorkerOptions"/>.</summary>
public sealed class ModelCacheOptions
{
    public const string Section = WorkerOptions.Section;

    /// <summary>
    /// Bytes that open models may take together; if unset, half of the memory that the runtime sees (a container's limit
    /// included), or four fifths of the GPU's memory where models run there.
    /// </summary>
    [Range(1L << 20, 1L << 50)]
    public long? ModelMemory { get; set; }

    /// <summary>How long a load waits for memory that other models have in use. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan ModelMemoryWait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long opening a model may take, its warm-up included, before the next one is opened and this one is refused. Default 10 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LoadTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long the runs that warm a model up may take; a model whose runs take longer is served cold. Default 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan WarmUpTime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Unpinned models opened at start: those with the most predictions of the last day. Default 3.</summary>
    [Range(0, 1000)]
    public int Preload { get; set; } = 3;

    /// <summary>How long a model without requests is kept from being evicted. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan IdleAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Where fetched model files are kept; empty for <c>inference-artifacts-USER</c> in the folder for temporary files.</summary>
    public string CacheDirectory { get; set; } = "";

    /// <summary>Bytes that fetched model files may take together; one that is larger alone still fits. Default 10 GiB.</summary>
    [Range(1L << 20, 1L << 50)]
    public long CacheBytes { get; set; } = 10L << 30;

    /// <summary>Failed loads of a model in a row before further ones are refused for a while. Default 2.</summary>
    [Range(2, 100)]
    public int LoadFailures { get; set; } = 2;

    /// <summary>How long loads are then refused at first; each failed probe doubles it. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "01:00:00")]
    public TimeSpan LoadBreak { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest that this time grows to. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "1.00:00:00")]
    public TimeSpan MaxLoadBreak { get; set; } = TimeSpan.FromMinutes(5);
}
