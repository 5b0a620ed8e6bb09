using Microsoft.ML.OnnxRuntime.Tensors;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The kinds of value that a graph can take and give.</summary>
public enum OnnxValueType
{
    ONNX_TYPE_UNKNOWN = 0,
    ONNX_TYPE_TENSOR = 1,
    ONNX_TYPE_SEQUENCE = 2,
    ONNX_TYPE_MAP = 3,
    ONNX_TYPE_OPAQUE = 4,
    ONNX_TYPE_SPARSETENSOR = 5,
    ONNX_TYPE_OPTIONAL = 6,
}

/// <summary>The element type and shape of a tensor.</summary>
public readonly unsafe struct OrtTensorTypeAndShapeInfo
{
    internal OrtTensorTypeAndShapeInfo(nint info)
    {
        Check(Api->GetTensorElementType(info, out var element));
        Check(Api->GetDimensionsCount(info, out var rank));
        ElementDataType = (TensorElementType)element;
        Shape = new long[rank];
        fixed (long* dimensions = Shape)
            Check(Api->GetDimensions(info, dimensions, rank));
    }

    public TensorElementType ElementDataType { get; }

    public bool IsString => ElementDataType == TensorElementType.String;

    public long[] Shape { get; }

    public int DimensionsCount => Shape.Length;

    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    public long ElementCount => Shape.Aggregate(1L, (count, dimension) => count * dimension);
}

/// <summary>The declared type of one input or output of a model.</summary>
public unsafe class NodeMetadata
{
    private readonly OrtTensorTypeAndShapeInfo tensor;
    private readonly string[] names = [];

    internal NodeMetadata(nint typeInfo)
    {
        Check(Api->GetOnnxTypeFromTypeInfo(typeInfo, out var kind));
        OnnxValueType = (OnnxValueType)kind;
        if (!IsTensor)
            return;

        Check(Api->CastTypeInfoToTensorInfo(typeInfo, out var tensorInfo)); // Stays part of the type info.
        tensor = new(tensorInfo);
        var pointers = new nint[tensor.DimensionsCount];
        fixed (nint* first = pointers)
            Check(Api->GetSymbolicDimensions(tensorInfo, (byte**)first, (nuint)pointers.Length));
        names = Array.ConvertAll(pointers, name => Text((byte*)name));
    }

    public OnnxValueType OnnxValueType { get; }

    /// <summary>Whether it is a tensor, dense or sparse. The properties below are for tensors only.</summary>
    public bool IsTensor => OnnxValueType is OnnxValueType.ONNX_TYPE_TENSOR or OnnxValueType.ONNX_TYPE_SPARSETENSOR;

    public bool IsString => Tensor.IsString;

    /// <summary>The shape, -1 where a dimension is dynamic.</summary>
    public int[] Dimensions => Array.ConvertAll(Tensor.Shape, size => checked((int)size));

    /// <summary>The names of the dynamic dimensions, empty where there is none.</summary>
    public string[] SymbolicDimensions => Tensor.DimensionsCount == names.Length ? names : [];

    /// <summary>The .NET type that stands for the elements.</summary>
    public Type ElementType => ElementTypes.Of(ElementDataType).Type;

    public TensorElementType ElementDataType => Tensor.ElementDataType;

    private OrtTensorTypeAndShapeInfo Tensor => IsTensor
        ? tensor
        : throw new OnnxRuntimeException(OrtErrorCode.Fail, $"This is of type {OnnxValueType}, and has no tensor metadata");
}
