using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Where the elements of a tensor are when it lies in the corner of a larger one, row-major.</summary>
internal static class Padding
{
    public static int RowBytes(long[] padded, int elementSize, long rows) =>
        checked((int)(rows * TensorShape.ElementCount(padded.AsSpan(1)) * elementSize));

    /// <summary>Copies a tensor to the corner of the rows that <paramref name="target"/> begins with, leaving the rest as it is.</summary>
    public static void Copy(ReadOnlySpan<byte> data, long[] shape, int elementSize, Span<byte> target, long[] padded)
    {
        // The last dimension is contiguous in both: one copy for each line of it.
        var line = checked((int)shape[^1] * elementSize);
        var lines = shape[..^1];
        var stride = checked((int)padded[^1] * elementSize);
        foreach (var position in Positions(lines, padded[..^1]))
        {
            data[..line].CopyTo(target[checked((int)position * stride)..]);
            data = data[line..];
        }
    }

    /// <summary>
    /// The positions in the larger tensor of the smaller one's elements, in order; the first dimension is the smaller one's.
    /// </summary>
    public static IEnumerable<long> Positions(long[] shape, long[] padded)
    {
        var count = TensorShape.ElementCount(shape);
        for (var element = 0L; element < count; element++)
        {
            var (rest, position, stride) = (element, 0L, 1L);
            for (var d = shape.Length - 1; d >= 0; d--)
            {
                position += rest % shape[d] * stride;
                rest /= shape[d];
                stride *= padded[d];
            }

            yield return position;
        }
    }
}
