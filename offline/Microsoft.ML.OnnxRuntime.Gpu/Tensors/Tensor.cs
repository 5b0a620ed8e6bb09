using System.Collections;

namespace Microsoft.ML.OnnxRuntime.Tensors;

/// <summary>A tensor in managed hands, whatever its elements are.</summary>
public abstract class TensorBase
{
    private protected TensorBase()
    {
    }

    /// <summary>A value for a run, over the same memory where that is possible.</summary>
    internal abstract OrtValue ToOrtValue();
}

/// <summary>
/// Elements of one type with dimensions, by indices or by their place in memory; enumerated as they lie there. Row-major, or with the
/// strides reversed column-major.
/// </summary>
public abstract class Tensor<T> : TensorBase, IList<T>, IReadOnlyList<T>
{
    private readonly int[] dimensions;
    private readonly int[] strides;

    private protected Tensor(ReadOnlySpan<int> dimensions, bool reverseStride)
    {
        foreach (var dimension in dimensions)
        {
            if (dimension < 0)
                throw new ArgumentOutOfRangeException(nameof(dimensions), $"Dimensions must not be negative: [{string.Join(',', dimensions.ToArray())}]");
        }

        this.dimensions = dimensions.ToArray();
        strides = new int[dimensions.Length];
        IsReversedStride = reverseStride;
        long length = 1;
        for (var i = 0; i < strides.Length; i++)
        {
            var at = reverseStride ? i : strides.Length - 1 - i;
            strides[at] = checked((int)length);
            length *= dimensions[at];
        }
        Length = length;
    }

    public ReadOnlySpan<int> Dimensions => dimensions;

    /// <summary>How far apart neighbours are in each dimension, in elements.</summary>
    public ReadOnlySpan<int> Strides => strides;

    public int Rank => dimensions.Length;

    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    public long Length { get; }

    public bool IsReversedStride { get; }

    public bool IsFixedSize => true;

    public bool IsReadOnly => false;

    /// <summary>One element, by an index for each dimension.</summary>
    public virtual T this[params int[] indices]
    {
        get => this[indices.AsSpan()];
        set => this[indices.AsSpan()] = value;
    }

    /// <inheritdoc cref="this[int[]]"/>
    public virtual T this[ReadOnlySpan<int> indices]
    {
        get => GetValue(Place(indices));
        set => SetValue(Place(indices), value);
    }

    int ICollection<T>.Count => checked((int)Length);

    int IReadOnlyCollection<T>.Count => checked((int)Length);

    T IList<T>.this[int index]
    {
        get => GetValue(index);
        set => SetValue(index, value);
    }

    T IReadOnlyList<T>.this[int index] => GetValue(index);

    /// <summary>One element, by its place in memory.</summary>
    public abstract T GetValue(int index);

    public abstract void SetValue(int index, T value);

    /// <summary>The same elements with other dimensions of the same product.</summary>
    public abstract Tensor<T> Reshape(ReadOnlySpan<int> dimensions);

    public virtual Tensor<T> Clone() => ToDenseTensor();

    /// <summary>A copy.</summary>
    public virtual DenseTensor<T> ToDenseTensor()
    {
        var copy = new T[Length];
        CopyTo(copy, 0);
        return new(copy, Dimensions, IsReversedStride);
    }

    public virtual void Fill(T value)
    {
        for (var i = 0; i < Length; i++)
            SetValue(i, value);
    }

    protected virtual bool Contains(T item) => IndexOf(item) >= 0;

    protected virtual int IndexOf(T item)
    {
        for (var i = 0; i < Length; i++)
        {
            if (EqualityComparer<T>.Default.Equals(GetValue(i), item))
                return i;
        }
        return -1;
    }

    protected virtual void CopyTo(T[] array, int arrayIndex)
    {
        for (var i = 0; i < Length; i++)
            array[arrayIndex + i] = GetValue(i);
    }

    bool ICollection<T>.Contains(T item) => Contains(item);

    int IList<T>.IndexOf(T item) => IndexOf(item);

    void ICollection<T>.CopyTo(T[] array, int arrayIndex) => CopyTo(array, arrayIndex);

    void ICollection<T>.Add(T item) => throw new InvalidOperationException("A tensor has as many elements as its dimensions say");

    void ICollection<T>.Clear() => Fill(default!);

    void IList<T>.Insert(int index, T item) => throw new InvalidOperationException("A tensor has as many elements as its dimensions say");

    bool ICollection<T>.Remove(T item) => throw new InvalidOperationException("A tensor has as many elements as its dimensions say");

    void IList<T>.RemoveAt(int index) => throw new InvalidOperationException("A tensor has as many elements as its dimensions say");

    IEnumerator<T> IEnumerable<T>.GetEnumerator()
    {
        for (var i = 0; i < Length; i++)
            yield return GetValue(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<T>)this).GetEnumerator();

    private int Place(ReadOnlySpan<int> indices)
    {
        if (indices.Length != Rank)
            throw new ArgumentException($"{indices.Length} indices were given for {Rank} dimensions", nameof(indices));
        var place = 0;
        for (var i = 0; i < indices.Length; i++)
        {
            if ((uint)indices[i] >= (uint)dimensions[i])
                throw new ArgumentOutOfRangeException(nameof(indices), $"Index {indices[i]} of dimension {i} is not below {dimensions[i]}");
            place += indices[i] * strides[i];
        }
        return place;
    }
}
