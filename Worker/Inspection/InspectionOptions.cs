using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>How a worker opens uploaded models for the first time, in a process of their own.</summary>
public sealed class InspectionOptions
{
    public const string Section = "Inspection";

    // Those whose kernels ONNX Runtime brings itself.
    private static readonly string[] KnownDomains =
        ["ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"];

    /// <summary>Whether this worker inspects uploads; while none does, they stay pending. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// Time after which an inspection is killed and the model rejected; of a model of the models folder, after five times as long. Default
    /// 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:30:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Seconds of processor time that it may take. Default 60.</summary>
    [Range(1, 3600)]
    public int CpuSeconds { get; set; } = 60;

    /// <summary>Bytes of address space that it may take, and of the files of an uploaded archive. Default 4 GiB.</summary>
    [Range(256L << 20, 1L << 40)]
    public long MemoryBytes { get; set; } = 4L << 30;

    /// <summary>Rows of the largest batch in which it is tried whether rows are independent.</summary>
    [Range(8, 4096)]
    public int LargestBatch { get; set; } = 64;

    /// <summary>Nodes of all graphs together. Default 200,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxNodes { get; set; } = 200_000;

    /// <summary>Operator domains allowed besides those of ONNX and ONNX Runtime. Default none.</summary>
    public IReadOnlyList<string> ExtraDomains { get; set; } = [];

    /// <summary>Where the files are meanwhile; empty for the system's folder for temporary files.</summary>
    public string Directory { get; set; } = "";

    // What is tried must end before the process is ended: then it says so itself.
    private const double ShareForProof = 0.7;

    internal InspectionLimits Limits => new(
        [.. KnownDomains, .. ExtraDomains],
        MaxNodes,
        MemoryBytes,
        CpuSeconds,
        LargestBatch,
        ShareForProof * Timeout.TotalSeconds,
        ShareForProof * CpuSeconds);
}
