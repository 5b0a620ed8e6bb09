namespace InferenceTemplate.Core.Tensors;

public static class TensorShape
{
    /// <summary>A dimension that the model leaves open.</summary>
    public const long Variable = -1;

    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    /// <exception cref="OverflowException">The product does not fit 64 bits.</exception>
    public static long ElementCount(ReadOnlySpan<long> shape)
    {
        long count = 1;
        foreach (var dimension in shape)
        {
            count = checked(count * dimension);
        }

        return count;
    }

    /// <summary>Whether a concrete shape fits a declared one, in which -1 fits any size.</summary>
    public static bool Fits(ReadOnlySpan<long> shape, ReadOnlySpan<long> declared)
    {
        if (shape.Length != declared.Length)
        {
            return false;
        }

        for (var i = 0; i < shape.Length; i++)
        {
            if (declared[i] != Variable && declared[i] != shape[i])
            {
                return false;
            }
        }

        return true;
    }

    public static string Format(ReadOnlySpan<long> shape) => $"[{string.Join(",", shape.ToArray())}]";
}
