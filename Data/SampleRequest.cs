using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Data;

/// <summary>
/// A request that a version is known to take, given by whoever uploaded it. Apart from the version's row, which every process reads each
/// second.
/// </summary>
public sealed class SampleRequest
{
    /// <summary>Of the request as JSON: all models have one at most, and backups hold it.</summary>
    public const int MaxBytes = 1 << 20;

    public required string Model { get; init; }

    public required string Version { get; init; }

    /// <summary>The JSON as it was sent.</summary>
    public required byte[] Json { get; set; }

    /// <summary>
    /// What it says, read once, for workers: the model's inputs in the order of its signature, behind them those of the optional ones that
    /// it brings.
    /// </summary>
    public required Tensor[] Inputs { get; set; }

    /// <summary>
    /// Whether it has run, in a process of its own. Only then do workers warm up with it: one that ends a process would end theirs at each
    /// load.
    /// </summary>
    public bool HasRun { get; set; }
}
