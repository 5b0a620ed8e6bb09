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
    /// Whether requests could share one run: there are inputs, and every input and output leaves its first dimension open, so that
    /// requests are rows that can be laid one after the other and cut apart again. Whether those rows are independent, it does not say.
    /// </summary>
    public bool IsBatchable =>
        Inputs.Length > 0 && Inputs.All(LeavesFirstDimensionOpen) && Outputs.All(LeavesFirstDimensionOpen);

    /// <summary>Rows of the batch that a request fills; null where its first dimension counts none.</summary>
    public int? RowsOf(Tensor[] inputs) =>
        IsBatchable && Array.Find(inputs, i => i.Name == Inputs[0].Name) is { Shape: [var rows, ..] } ? (int)rows : null;

    private static bool LeavesFirstDimensionOpen(TensorSignature tensor) =>
        tensor.Shape is [TensorShape.Variable, ..];
}
