using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Batching;

/// <summary>How requests of one model version become runs: the model's settings, and the worker's where they are silent.</summary>
/// <param name="MaxRows">Rows that may run together; a request that alone has more runs alone.</param>
/// <param name="PreferredRows">Sizes that are run without waiting for more, smallest first; where there are any, nothing is
/// learned.</param>
/// <param name="MaxDelay">How long the oldest request of a batch waits for others while an instance is free.</param>
/// <param name="Instances">Runs that may overlap.</param>
/// <param name="MaxBytes">Inputs that may be in this worker's memory for the model, and the size to which padding may blow up a
/// batch.</param>
internal sealed record BatchRules(
    int MaxRows, IReadOnlyList<int> PreferredRows, TimeSpan MaxDelay, RaggedShapes Ragged, int Instances, long MaxBytes)
{
    public static BatchRules For(ModelSettings settings, ModelSignature signature, WorkerOptions options, int defaultInstances)
    {
        var maxRows = settings.Batching.MaxSize ?? options.MaxBatchSize;
        return new BatchRules(
            maxRows,
            [.. settings.Batching.PreferredSizes.Where(s => s <= maxRows).Order()],
            settings.Batching.MaxDelay ?? options.MaxBatchDelay,
            RaggedOf(settings, signature),
            settings.Instances ?? defaultInstances,
            options.MaxBytesInFlight);
    }

    // An output that is as long as its input would have the length of whichever was the longest of the run.
    private static RaggedShapes RaggedOf(ModelSettings settings, ModelSignature signature) =>
        signature.Outputs.All(output => !output.IsUnranked && !output.Shape.Skip(1).Contains(TensorShape.Variable))
            ? settings.Batching.Ragged
            : RaggedShapes.Separate;
}
