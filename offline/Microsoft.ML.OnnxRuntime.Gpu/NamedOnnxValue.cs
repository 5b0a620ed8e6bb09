using Microsoft.ML.OnnxRuntime.Tensors;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>A tensor under the name of an input or output: what a run takes and gives where <see cref="OrtValue"/> is not used.</summary>
public class NamedOnnxValue
{
    internal NamedOnnxValue(string name, object value)
    {
        Name = name;
        Value = value;
    }

    public string Name { get; set; }

    /// <summary>A <see cref="Tensor{T}"/>.</summary>
    public object Value { get; set; }

    public OnnxValueType ValueType => OnnxValueType.ONNX_TYPE_TENSOR;

    /// <summary>The tensor's memory is what the run reads, unless its elements are strings, or column-major.</summary>
    public static NamedOnnxValue CreateFromTensor<T>(string name, Tensor<T> value) => new(name, value);

    /// <summary>The tensor, or null where its elements are of another type.</summary>
    public Tensor<T>? AsTensor<T>() => Value as Tensor<T>;

    /// <summary>The elements as they lie in memory, or null where they are of another type.</summary>
    public IEnumerable<T>? AsEnumerable<T>() => Value as IEnumerable<T>;

    internal OrtValue ToOrtValue() => Value is TensorBase tensor ? tensor.ToOrtValue() : throw new OnnxRuntimeException(
        OrtErrorCode.NotImplemented, $"'{Name}' is a {Value?.GetType().ToString() ?? "null"}, which is no tensor");
}

/// <summary>A result. Its tensor lies over memory of the library, and is valid no longer than this is; strings are copies.</summary>
public class DisposableNamedOnnxValue : NamedOnnxValue, IDisposable
{
    private readonly OrtValue owner;

    private DisposableNamedOnnxValue(string name, object tensor, TensorElementType elementType, OrtValue owner) : base(name, tensor)
    {
        ElementType = elementType;
        this.owner = owner;
    }

    public TensorElementType ElementType { get; }

    public void Dispose() => Dispose(true);

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            owner.Dispose();
    }

    /// <exception cref="OnnxRuntimeException">It is no tensor, or its elements have no .NET type.</exception>
    internal static DisposableNamedOnnxValue Of(string name, OrtValue value)
    {
        if (!value.IsTensor)
            throw new OnnxRuntimeException(OrtErrorCode.NotImplemented, $"'{name}' is a {value.OnnxType}; only tensors are read here");

        var info = value.GetTensorTypeAndShape();
        int[] dimensions = Array.ConvertAll(info.Shape, d => checked((int)d));
        object tensor = info.ElementDataType switch
        {
            TensorElementType.Float => Over<float>(),
            TensorElementType.Double => Over<double>(),
            TensorElementType.Float16 => Over<Float16>(),
            TensorElementType.BFloat16 => Over<BFloat16>(),
            TensorElementType.Int8 => Over<sbyte>(),
            TensorElementType.Int16 => Over<short>(),
            TensorElementType.Int32 => Over<int>(),
            TensorElementType.Int64 => Over<long>(),
            TensorElementType.UInt8 => Over<byte>(),
            TensorElementType.UInt16 => Over<ushort>(),
            TensorElementType.UInt32 => Over<uint>(),
            TensorElementType.UInt64 => Over<ulong>(),
            TensorElementType.Bool => Over<bool>(),
            TensorElementType.String => new DenseTensor<string>(value.GetStringTensorAsArray(), dimensions),
            _ => ElementTypes.Of(info.ElementDataType),
        };
        return new(name, tensor, info.ElementDataType, value);

        DenseTensor<T> Over<T>() where T : unmanaged => new(new OrtValueMemory<T>(value).Memory, dimensions);
    }
}
