namespace Microsoft.ML.OnnxRuntime.Tensors;

/// <summary>A tensor whose elements lie one after the other in memory.</summary>
public class DenseTensor<T> : Tensor<T>
{
    /// <summary>One dimension, all elements at their default.</summary>
    public DenseTensor(int length) : this([length])
    {
    }

    /// <summary>All elements at their default.</summary>
    public DenseTensor(ReadOnlySpan<int> dimensions, bool reverseStride = false) : base(dimensions, reverseStride) => Buffer = new T[Length];

    /// <summary>Over memory of the caller, which is not copied.</summary>
    /// <exception cref="ArgumentException">The memory has another length than the dimensions need.</exception>
    public DenseTensor(Memory<T> memory, ReadOnlySpan<int> dimensions, bool reverseStride = false) : base(dimensions, reverseStride)
    {
        if (memory.Length != Length)
        {
            throw new ArgumentException(
                $"Length of {nameof(memory)} ({memory.Length}) must match product of {nameof(dimensions)} ({Length}).", nameof(memory));
        }
        Buffer = memory;
    }

    /// <summary>The elements as they lie in memory.</summary>
    public Memory<T> Buffer { get; }

    public override T GetValue(int index) => Buffer.Span[index];

    public override void SetValue(int index, T value) => Buffer.Span[index] = value;

    /// <summary>Over the same memory.</summary>
    public override Tensor<T> Reshape(ReadOnlySpan<int> dimensions) => new DenseTensor<T>(Buffer, dimensions, IsReversedStride);

    public override Tensor<T> Clone() => new DenseTensor<T>(Buffer.ToArray(), Dimensions, IsReversedStride);

    protected override void CopyTo(T[] array, int arrayIndex) => Buffer.Span.CopyTo(array.AsSpan(arrayIndex));

    internal override OrtValue ToOrtValue()
    {
        var elements = RowMajor();
        if (elements is Memory<string> texts)
            return OrtValue.CreateFromStringTensor(new DenseTensor<string>(texts, Dimensions));
        return OrtValue.OverMemory(OrtMemoryInfo.DefaultInstance, elements, Array.ConvertAll(Dimensions.ToArray(), d => (long)d));
    }

    // The library knows no other order.
    private Memory<T> RowMajor()
    {
        if (!IsReversedStride)
            return Buffer;

        var copy = new T[Length];
        var indices = new int[Rank];
        for (var i = 0; i < copy.Length; i++)
        {
            copy[i] = this[indices];
            for (var at = Rank - 1; at >= 0 && ++indices[at] == Dimensions[at]; at--)
                indices[at] = 0;
        }
        return copy;
    }
}
