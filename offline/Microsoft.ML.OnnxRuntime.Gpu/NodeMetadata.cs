using Microsoft.ML.OnnxRuntime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;

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

/// <summary>The declared type of one input or output of a model.</summary>
public unsafe class NodeMetadata
{
    private readonly int[] dimensions = [];
    private readonly string[] symbolicDimensions = [];
    private readonly TensorElementType element;

    internal NodeMetadata(nint typeInfo)
    {
        OrtLibrary.Check(OrtLibrary.Api->GetOnnxTypeFromTypeInfo(typeInfo, out var kind));
        OnnxValueType = (OnnxValueType)kind;
        if (!IsTensor)
            return;

        OrtLibrary.Check(OrtLibrary.Api->CastTypeInfoToTensorInfo(typeInfo, out var tensorInfo)); // Stays part of the type info.
        OrtLibrary.Check(OrtLibrary.Api->GetTensorElementType(tensorInfo, out var elementType));
        OrtLibrary.Check(OrtLibrary.Api->GetDimensionsCount(tensorInfo, out var rank));
        var sizes = new long[rank];
        var names = new nint[rank];
        fixed (long* size = sizes)
            OrtLibrary.Check(OrtLibrary.Api->GetDimensions(tensorInfo, size, rank));
        fixed (nint* name = names)
            OrtLibrary.Check(OrtLibrary.Api->GetSymbolicDimensions(tensorInfo, (byte**)name, rank));
        element = (TensorElementType)elementType;
        dimensions = Array.ConvertAll(sizes, size => checked((int)size));
        symbolicDimensions = Array.ConvertAll(names, name => OrtLibrary.Text((byte*)name));
    }

    /// <summary>The kind of value.</summary>
    public OnnxValueType OnnxValueType { get; }

    /// <summary>Whether it is a tensor, dense or sparse. The properties below are for tensors only.</summary>
    public bool IsTensor => OnnxValueType is OnnxValueType.ONNX_TYPE_TENSOR or OnnxValueType.ONNX_TYPE_SPARSETENSOR;

    /// <summary>Whether elements are strings.</summary>
    public bool IsString => ElementDataType == TensorElementType.String;

    /// <summary>The shape, -1 where a dimension is dynamic.</summary>
    public int[] Dimensions => OfTensor(dimensions);

    /// <summary>The names of the dynamic dimensions, empty where there is none.</summary>
    public string[] SymbolicDimensions => OfTensor(symbolicDimensions);

    /// <summary>The .NET type that stands for the elements.</summary>
    public Type ElementType => ElementTypes.Of(ElementDataType).Type;

    /// <summary>The element type.</summary>
    public TensorElementType ElementDataType => OfTensor(element);

    private T OfTensor<T>(T value) => IsTensor
        ? value
        : throw new OnnxRuntimeException(OrtErrorCode.Fail, $"This is of type {OnnxValueType}, and has no tensor metadata");
}
