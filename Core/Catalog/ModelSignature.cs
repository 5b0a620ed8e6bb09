using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>The inputs and outputs of one model version, as its ONNX file declares them.</summary>
public sealed record ModelSignature(TensorSignature[] Inputs, TensorSignature[] Outputs)
{
    /// <summary>
    /// Inputs with an initializer, which stands for them in requests that leave them out. A request that brings one has its run to itself.
    /// </summary>
    public TensorSignature[] OptionalInputs { get; init => field = value ?? []; } = [];

    /// <summary>
    /// The sets of open dimensions that may be 0 at once: the model has run on each. Null where that was never tried, as for versions
    /// from before it was.
    /// </summary>
    public EmptyExtent[][]? EmptyTried { get; init; }

    /// <summary>
    /// Whether the smallest number of an integer type has ended the process that tried it, as where a caller's number is divided by -1:
    /// requests with it are refused (<see cref="SmallestIntegers"/>).
    /// </summary>
    public bool EndsOnSmallest { get; init; }

    /// <summary>
    /// Whether requests could share one run: there are inputs, and every input and output leaves its first dimension open, so that
    /// requests are rows that can be laid one after the other and cut apart again. Whether those rows are independent, it does not say.
    /// </summary>
    public bool IsBatchable =>
        Inputs.Length > 0 && Inputs.All(LeavesFirstDimensionOpen) && Outputs.All(LeavesFirstDimensionOpen);

    /// <summary>Rows of the batch that a request fills; null where its first dimension counts none.</summary>
    public int? RowsOf(Tensor[] inputs) =>
        IsBatchable && Find(inputs, Inputs[0].Name) is { Shape: [var rows, ..] } ? (int)rows : null;

    private static Tensor? Find(Tensor[] tensors, string name)
    {
        foreach (var tensor in tensors)
        {
            if (tensor.Name == name)
            {
                return tensor;
            }
        }

        return null;
    }

    private static bool LeavesFirstDimensionOpen(TensorSignature tensor) =>
        tensor.Shape is [TensorShape.Variable, ..];
}
