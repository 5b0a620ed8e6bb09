namespace Microsoft.ML.OnnxRuntime.Tensors;

/// <summary>Copies arrays into tensors of the same dimensions.</summary>
public static class ArrayTensorExtensions
{
    public static DenseTensor<T> ToTensor<T>(this T[] array) => new(array.AsSpan().ToArray(), [array.Length]);

    public static DenseTensor<T> ToTensor<T>(this T[,] array, bool reverseStride = false) => Copy<T>(array, reverseStride);

    public static DenseTensor<T> ToTensor<T>(this T[,,] array, bool reverseStride = false) => Copy<T>(array, reverseStride);

    public static DenseTensor<T> ToTensor<T>(this T[,,,] array, bool reverseStride = false) => Copy<T>(array, reverseStride);

    private static DenseTensor<T> Copy<T>(Array array, bool reverseStride)
    {
        var dimensions = new int[array.Rank];
        for (var i = 0; i < dimensions.Length; i++)
            dimensions[i] = array.GetLength(i);

        var tensor = new DenseTensor<T>(dimensions, reverseStride);
        var indices = new int[dimensions.Length];
        foreach (T element in array)
        {
            tensor[indices] = element;
            for (var at = indices.Length - 1; at >= 0 && ++indices[at] == dimensions[at]; at--)
                indices[at] = 0;
        }
        return tensor;
    }
}
