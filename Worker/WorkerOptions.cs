using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Worker;

/// <summary>What one worker serves and how.</summary>
public sealed class WorkerOptions
{
    public const string Section = "Worker";

    /// <summary>
    /// Folder of <c>{model}/{version}/model.onnx</c>, registered at start; a relative path counts from the program's folder. Default
    /// <c>models</c>.
    /// </summary>
    [Required]
    public string ModelsDirectory { get; set; } = "models";

    /// <summary>
    /// Where to compute: <c>auto</c> (CUDA where present, else CPU), <c>cpu</c>, or <c>cuda</c> (fail without it). Default auto.
    /// </summary>
    [RegularExpression("^(auto|cpu|cuda)$", ErrorMessage = "Worker:Device must be auto, cpu or cuda.")]
    public string Device { get; set; } = "auto";

    /// <summary>Index of the CUDA device. Default 0.</summary>
    [Range(0, 63)]
    public int DeviceId { get; set; }

    /// <summary>Threads within one operator on the CPU; 0 for one per core. Default 1.</summary>
    [Range(0, 1024)]
    public int IntraOpThreads { get; set; } = 1;

    /// <summary>
    /// Rows that run together at most; the best size below it is learned, and 1 disables batching. A model's settings take precedence.
    /// Default 32.
    /// </summary>
    [Range(1, 4096)]
    public int MaxBatchSize { get; set; } = 32;

    /// <summary>
    /// How long a batch that is not full waits for more while an instance is free. A model's settings take precedence. Default 0 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01")]
    public TimeSpan MaxBatchDelay { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// Runs of one model version that may overlap; 0 for one on a GPU, and on the CPU one for each core that a run uses. Default 0.
    /// </summary>
    [Range(0, 16)]
    public int Instances { get; set; }

    /// <summary>
    /// Niceness of the process: how willingly it leaves cores to others of the machine, as to an Api that has to refuse and to answer; in a
    /// cluster the requests of the containers decide. 0 for none. Default 10.
    /// </summary>
    [Range(0, 19)]
    public int Nice { get; set; } = 10;

    /// <summary>Inputs of one model version that a worker may hold, in bytes. Default 64 MiB.</summary>
    [Range(1L << 20, 64L << 30)]
    public long MaxBytesInFlight { get; set; } = 64L << 20;

    /// <summary>
    /// Pixels of an image for a model that takes images; one that has more is refused before it is decoded. Default 25 million.
    /// </summary>
    [Range(1, 250_000_000)]
    public int MaxImagePixels { get; set; } = 25_000_000;

    /// <summary>Bytes of the file of such an image; a larger one is refused. Default 16 MiB.</summary>
    [Range(1 << 10, 512 << 20)]
    public int MaxImageBytes { get; set; } = 16 << 20;

    /// <summary>Bytes of GPU memory that one session may take for its weights and runs; 0 for no limit. Default 0.</summary>
    [Range(0L, 1L << 40)]
    public long GpuMemoryLimit { get; set; }

    /// <summary>
    /// How long a worker that is stopped may finish its runs; the rest returns to the queue. The AppHost sets it. Default 25 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);
}
