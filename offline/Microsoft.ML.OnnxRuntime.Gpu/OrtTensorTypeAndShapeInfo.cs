using Microsoft.ML.OnnxRuntime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The element type and shape of a tensor. In a model's signature a dimension may be -1: dynamic, perhaps with a name.</summary>
public readonly unsafe struct OrtTensorTypeAndShapeInfo
{
    internal OrtTensorTypeAndShapeInfo(nint info)
    {
        OrtLibrary.Check(OrtLibrary.Api->GetTensorElementType(info, out var element));
        OrtLibrary.Check(OrtLibrary.Api->GetDimensionsCount(info, out var rank));
        OrtLibrary.Check(OrtLibrary.Api->GetTensorShapeElementCount(info, out var count));
        var shape = new long[rank];
        fixed (long* dimensions = shape)
            OrtLibrary.Check(OrtLibrary.Api->GetDimensions(info, dimensions, rank));
        (ElementDataType, Shape, ElementCount) = ((TensorElementType)element, shape, (long)count);
    }

    /// <summary>The element type.</summary>
    public TensorElementType ElementDataType { get; }

    /// <summary>Whether elements are strings.</summary>
    public bool IsString => ElementDataType == TensorElementType.String;

    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    public long ElementCount { get; }

    /// <summary>The rank.</summary>
    public int DimensionsCount => Shape.Length;

    /// <summary>The dimensions.</summary>
    public long[] Shape { get; }
}
