using System.Numerics;
using System.Runtime.InteropServices;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Looks for NaN and infinity in tensors, a vector at a time: numbers whose exponent bits are all set. JSON has neither, so only raw
/// tensors can bring one.
/// </summary>
internal static class FiniteNumbers
{
    /// <summary>The index of the first element that is NaN or infinite; -1 where there is none.</summary>
    public static int FirstNotFinite(Tensor tensor) => tensor.Datatype switch
    {
        Datatype.Fp16 => Find<ushort>(tensor.Data.Span, 0x7C00),
        Datatype.Bf16 => Find<ushort>(tensor.Data.Span, 0x7F80),
        Datatype.Fp32 => Find<uint>(tensor.Data.Span, 0x7F80_0000),
        Datatype.Fp64 => Find<ulong>(tensor.Data.Span, 0x7FF0_0000_0000_0000),
        _ => -1,
    };

    /// <summary>What to tell the caller of a model that refuses such; null where there is nothing to tell.</summary>
    public static string? Refusal(IEnumerable<Tensor> inputs)
    {
        foreach (var input in inputs)
        {
            if (FirstNotFinite(input) is var index and >= 0)
            {
                return $"inputs['{input.Name}'].data: element {index} is NaN or infinite, which this model refuses";
            }
        }

        return null;
    }

    private static int Find<T>(ReadOnlySpan<byte> data, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = MemoryMarshal.Cast<byte, T>(data);
        var set = new Vector<T>(exponent);
        var index = 0;
        for (; index <= bits.Length - Vector<T>.Count; index += Vector<T>.Count)
        {
            if (Vector.EqualsAny(Vector.BitwiseAnd(new Vector<T>(bits[index..]), set), set))
            {
                break;
            }
        }

        for (; index < bits.Length; index++)
        {
            if ((bits[index] & exponent) == exponent)
            {
                return index;
            }
        }

        return -1;
    }
}
