using System.Runtime.InteropServices;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Traffic;

/// <param name="Agreed">
/// Whether all outputs that callers know are there and equal, or for floating-point ones within the tolerance; others may come along.
/// </param>
/// <param name="MaxDifference">The largest distance between floating-point elements; null where there are none to compare.</param>
public readonly record struct OutputAgreement(bool Agreed, double? MaxDifference);

/// <summary>Compares a shadow's outputs with those that the caller got.</summary>
public static class OutputComparison
{
    public static OutputAgreement Compare(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual, double tolerance)
    {
        var agreed = true;
        double? largest = null;
        foreach (var output in expected)
        {
            var other = actual.FirstOrDefault(a => a.Name == output.Name);
            if (other is null || other.Datatype != output.Datatype || !other.Shape.AsSpan().SequenceEqual(output.Shape)
                || other.Data.Length != output.Data.Length)
            {
                agreed = false;
            }
            else if (Difference(output.Datatype, output.Data.Span, other.Data.Span) is { } difference)
            {
                largest = Math.Max(largest ?? 0, difference);
                agreed &= difference <= tolerance;
            }
            else
            {
                agreed &= output.Data.Span.SequenceEqual(other.Data.Span);
            }
        }

        return new OutputAgreement(agreed, largest);
    }

    // Null for datatypes that are compared byte by byte.
    private static double? Difference(Datatype datatype, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual) => datatype switch
    {
        Datatype.Fp32 => Largest<float>(expected, actual, static value => value),
        Datatype.Fp64 => Largest<double>(expected, actual, static value => value),
        Datatype.Fp16 => Largest<Half>(expected, actual, static value => (double)value),
        Datatype.Bf16 => Largest<ushort>(expected, actual, static value => BitConverter.Int32BitsToSingle(value << 16)),
        _ => null,
    };

    private static double Largest<T>(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, Func<T, double> number)
        where T : unmanaged
    {
        var left = MemoryMarshal.Cast<byte, T>(expected);
        var right = MemoryMarshal.Cast<byte, T>(actual);
        double largest = 0;
        for (var i = 0; i < left.Length; i++)
        {
            var (a, b) = (number(left[i]), number(right[i]));

            // Equal infinities and two NaNs agree; a number and a NaN are infinitely far apart.
            var difference = a.Equals(b) ? 0 : Math.Abs(a - b);
            largest = Math.Max(largest, double.IsNaN(difference) ? double.PositiveInfinity : difference);
        }

        return largest;
    }
}
