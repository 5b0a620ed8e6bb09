using System.Runtime.InteropServices;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>
/// The smallest number of an integer type has no opposite: to divide it by -1 ends the process in ONNX Runtime's Div and Mod. A version
/// that was seen to do so does not get it (<see cref="ModelSignature.EndsOnSmallest"/>).
/// </summary>
public static class SmallestIntegers
{
    /// <summary>Why a version is not given these inputs, in words for their sender; null where nothing keeps it from them.</summary>
    public static string? Refusal(ModelSignature signature, IReadOnlyList<Tensor> inputs) =>
        signature.EndsOnSmallest && inputs.FirstOrDefault(IsIn) is { } found
            ? $"inputs['{found.Name}'].data: holds {Of(found.Datatype)}, the smallest {found.Datatype.Name()}, which has ended the process "
                + "that inspected the model, where it was divided by -1: give larger numbers"
            : null;

    /// <summary>Whether integers of this type have a sign.</summary>
    public static bool IsSigned(Datatype datatype) => datatype is Datatype.Int8 or Datatype.Int16 or Datatype.Int32 or Datatype.Int64;

    private static bool IsIn(Tensor tensor) => tensor.Datatype switch
    {
        Datatype.Int8 => tensor.Data.Span.Contains((byte)0x80),
        Datatype.Int16 => MemoryMarshal.Cast<byte, short>(tensor.Data.Span).Contains(short.MinValue),
        Datatype.Int32 => MemoryMarshal.Cast<byte, int>(tensor.Data.Span).Contains(int.MinValue),
        Datatype.Int64 => MemoryMarshal.Cast<byte, long>(tensor.Data.Span).Contains(long.MinValue),
        _ => false,
    };

    private static long Of(Datatype datatype) => long.MinValue >> (64 - (8 * datatype.Size()));
}
