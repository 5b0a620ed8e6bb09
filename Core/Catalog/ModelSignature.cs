using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>The inputs and outputs of one model version, as its ONNX file declares them.</summary>
public sealed record ModelSignature(TensorSignature[] Inputs, TensorSignature[] Outputs)
{
    /// <summary>
    /// Whether requests may share one run: every input and output leaves its first dimension open, so that requests are
    /// rows that can be laid one after the other and cut apart again.
    /// </summary>
    public bool IsBatchable =>
        Inputs.All(LeavesFirstDimensionOpen) && Outputs.All(LeavesFirstDimensionOpen);

    private static bool LeavesFirstDimensionOpen(TensorSignature tensor) =>
        tensor.Shape is [TensorShape.Variable, ..];
}
