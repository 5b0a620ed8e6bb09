namespace Microsoft.ML.OnnxRuntime.Tensors;

/// <summary>The element types of tensors, numbered as in the C API.</summary>
public enum TensorElementType
{
    Float = 1, UInt8 = 2, Int8 = 3, UInt16 = 4, Int16 = 5, Int32 = 6, Int64 = 7, String = 8, Bool = 9,
    Float16 = 10, Double = 11, UInt32 = 12, UInt64 = 13, Complex64 = 14, Complex128 = 15, BFloat16 = 16, DataTypeMax = 17,
}

/// <summary>Which .NET type stands for which element type, and its size in bytes.</summary>
internal static class ElementTypes
{
    private static readonly Dictionary<TensorElementType, (Type Type, int Size)> ByElement = new()
    {
        [TensorElementType.Float] = (typeof(float), 4),
        [TensorElementType.UInt8] = (typeof(byte), 1),
        [TensorElementType.Int8] = (typeof(sbyte), 1),
        [TensorElementType.UInt16] = (typeof(ushort), 2),
        [TensorElementType.Int16] = (typeof(short), 2),
        [TensorElementType.Int32] = (typeof(int), 4),
        [TensorElementType.Int64] = (typeof(long), 8),
        [TensorElementType.String] = (typeof(string), 0),
        [TensorElementType.Bool] = (typeof(bool), 1),
        [TensorElementType.Float16] = (typeof(Float16), 2),
        [TensorElementType.Double] = (typeof(double), 8),
        [TensorElementType.UInt32] = (typeof(uint), 4),
        [TensorElementType.UInt64] = (typeof(ulong), 8),
        [TensorElementType.BFloat16] = (typeof(BFloat16), 2),
    };

    private static readonly Dictionary<Type, TensorElementType> ByType = ByElement.ToDictionary(e => e.Value.Type, e => e.Key);

    /// <exception cref="OnnxRuntimeException">No .NET type stands for it.</exception>
    public static (Type Type, int Size) Of(TensorElementType element) => ByElement.TryGetValue(element, out var found)
        ? found
        : throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument, $"Tensor element type: {element} is not supported");

    /// <exception cref="OnnxRuntimeException">It stands for no element type.</exception>
    public static TensorElementType Of<T>() => ByType.TryGetValue(typeof(T), out var found) && found != TensorElementType.String
        ? found
        : throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument, $"Tensor of type: {typeof(T)} is not supported");
}
