using InferenceTemplate.Core.Tensors;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace InferenceTemplate.Worker.Execution;

/// <summary>ONNX Runtime's element types and the protocol's datatypes.</summary>
internal static class ElementTypes
{
    /// <exception cref="NotSupportedException">The type has no datatype in the protocol.</exception>
    public static Datatype ToDatatype(TensorElementType type) => type switch
    {
        TensorElementType.Bool => Datatype.Bool,
        TensorElementType.UInt8 => Datatype.Uint8,
        TensorElementType.UInt16 => Datatype.Uint16,
        TensorElementType.UInt32 => Datatype.Uint32,
        TensorElementType.UInt64 => Datatype.Uint64,
        TensorElementType.Int8 => Datatype.Int8,
        TensorElementType.Int16 => Datatype.Int16,
        TensorElementType.Int32 => Datatype.Int32,
        TensorElementType.Int64 => Datatype.Int64,
        TensorElementType.Float16 => Datatype.Fp16,
        TensorElementType.Float => Datatype.Fp32,
        TensorElementType.Double => Datatype.Fp64,
        TensorElementType.BFloat16 => Datatype.Bf16,
        TensorElementType.String => Datatype.Bytes,
        _ => throw new NotSupportedException($"Tensors of type {type} are not supported."),
    };

    public static TensorElementType ToElementType(Datatype datatype) => datatype switch
    {
        Datatype.Bool => TensorElementType.Bool,
        Datatype.Uint8 => TensorElementType.UInt8,
        Datatype.Uint16 => TensorElementType.UInt16,
        Datatype.Uint32 => TensorElementType.UInt32,
        Datatype.Uint64 => TensorElementType.UInt64,
        Datatype.Int8 => TensorElementType.Int8,
        Datatype.Int16 => TensorElementType.Int16,
        Datatype.Int32 => TensorElementType.Int32,
        Datatype.Int64 => TensorElementType.Int64,
        Datatype.Fp16 => TensorElementType.Float16,
        Datatype.Fp32 => TensorElementType.Float,
        Datatype.Fp64 => TensorElementType.Double,
        Datatype.Bf16 => TensorElementType.BFloat16,
        _ => TensorElementType.String,
    };
}
