using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.ML.OnnxRuntime.Native;
using Microsoft.ML.OnnxRuntime.Tensors;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>
/// A value that a graph takes or gives, a tensor as a rule. Its memory is the library's, or the caller's, then pinned until
/// <see cref="Dispose"/>. Spans over it are valid no longer than it is.
/// </summary>
public sealed unsafe class OrtValue : IDisposable
{
    private OrtValue(nint value, MemoryHandle pin) => Handle = new ValueHandle(value, pin);

    internal OrtValue(nint value) : this(value, default)
    {
    }

    internal ValueHandle Handle { get; }

    /// <summary>The kind of value.</summary>
    public OnnxValueType OnnxType
    {
        get
        {
            using var self = new Borrowed(Handle);
            Check(Api->GetValueType(self.Pointer, out var kind));
            return (OnnxValueType)kind;
        }
    }

    /// <summary>Whether it is a sparse tensor.</summary>
    public bool IsSparseTensor => OnnxType == OnnxValueType.ONNX_TYPE_SPARSETENSOR;

    /// <summary>Whether it is a dense tensor.</summary>
    public bool IsTensor => OnnxType == OnnxValueType.ONNX_TYPE_TENSOR;

    /// <summary>A tensor over an array, without copying it.</summary>
    /// <exception cref="OnnxRuntimeException">The array is shorter than the shape needs, or of a type that no element type has.</exception>
    public static OrtValue CreateTensorValueFromMemory<T>(T[] data, long[] shape) where T : unmanaged =>
        CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, new Memory<T>(data), shape);

    /// <summary>A tensor over memory, without copying it.</summary>
    public static OrtValue CreateTensorValueFromMemory<T>(OrtMemoryInfo memoryInfo, Memory<T> memory, long[] shape) where T : unmanaged =>
        OverMemory(memoryInfo, memory, shape);

    /// <summary>A tensor over memory that the caller keeps valid and in place as long as the value lives, on any device.</summary>
    /// <exception cref="OnnxRuntimeException">The buffer is smaller than the shape needs, or the element type is string.</exception>
    public static OrtValue CreateTensorValueWithData(
        OrtMemoryInfo memInfo, TensorElementType elementType, long[] shape, IntPtr dataBufferPtr, long bufferLengthInBytes)
    {
        RefuseStrings(elementType);
        var needed = checked(ElementCount(shape) * ElementTypes.Of(elementType).Size);
        return needed <= bufferLengthInBytes
            ? new(OverMemory(memInfo, elementType, shape, (void*)dataBufferPtr, bufferLengthInBytes))
            : throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument,
                $"Shape: [{string.Join(',', shape)}] requires a buffer of at least {needed} bytes. Provided: {bufferLengthInBytes} bytes");
    }

    /// <summary>A tensor over new memory of the allocator, not cleared.</summary>
    public static OrtValue CreateAllocatedTensorValue(OrtAllocator allocator, TensorElementType elementType, long[] shape)
    {
        using var owner = new Borrowed(allocator);
        fixed (long* dimensions = shape)
        {
            Check(Api->CreateTensorAsOrtValue(owner.Pointer, dimensions, (nuint)shape.Length, (int)elementType, out var value));
            return new(value);
        }
    }

    /// <summary>A tensor of empty strings, to be set one by one.</summary>
    public static OrtValue CreateTensorWithEmptyStrings(OrtAllocator allocator, long[] shape) =>
        CreateAllocatedTensorValue(allocator, TensorElementType.String, shape);

    /// <summary>A tensor of copies of these strings.</summary>
    public static OrtValue CreateFromStringTensor(Tensor<string> tensor)
    {
        var value = CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, Array.ConvertAll(tensor.Dimensions.ToArray(), d => (long)d));
        try
        {
            var index = 0;
            foreach (var text in tensor)
                value.StringTensorSetElementAt(text.AsSpan(), index++);
            return value;
        }
        catch
        {
            value.Dispose();
            throw;
        }
    }

    /// <summary>Sets a string, by its index in row-major order.</summary>
    public void StringTensorSetElementAt(ReadOnlySpan<char> str, int index)
    {
        using var self = new Borrowed(Handle);
        Encoding.UTF8.GetBytes(str, StringBuffer(self, index, Encoding.UTF8.GetByteCount(str)));
    }

    public void StringTensorSetElementAt(ReadOnlyMemory<char> rom, int index) => StringTensorSetElementAt(rom.Span, index);

    public void StringTensorSetElementAt(ReadOnlySpan<byte> utf8Bytes, int index)
    {
        using var self = new Borrowed(Handle);
        utf8Bytes.CopyTo(StringBuffer(self, index, utf8Bytes.Length));
    }

    /// <summary>One string, by its index in row-major order.</summary>
    public string GetStringElement(int index)
    {
        using var self = new Borrowed(Handle);
        Check(Api->GetStringTensorElementLength(self.Pointer, (nuint)index, out var length));
        var utf8 = new byte[length];
        fixed (byte* buffer = utf8)
            Check(Api->GetStringTensorElement(self.Pointer, length, (nuint)index, buffer));
        return Encoding.UTF8.GetString(utf8);
    }

    /// <summary>A copy of one string.</summary>
    public ReadOnlyMemory<char> GetStringElementAsMemory(int index) => GetStringElement(index).AsMemory();

    /// <summary>The bytes of one string, where the library holds them: not zero-terminated, valid no longer than the value.</summary>
    public ReadOnlySpan<byte> GetStringElementAsSpan(int index)
    {
        using var self = new Borrowed(Handle);
        Check(Api->GetStringTensorElementLength(self.Pointer, (nuint)index, out var length));
        return StringBuffer(self, index, checked((int)length));
    }

    /// <summary>All strings in row-major order.</summary>
    /// <exception cref="OnnxRuntimeException">The elements are not strings.</exception>
    public string[] GetStringTensorAsArray()
    {
        var info = GetTensorTypeAndShape();
        if (!info.IsString)
        {
            throw new OnnxRuntimeException(OrtErrorCode.Fail,
                $"GetStringTensorAsArray() is for string tensors. This OrtValue contains a {info.ElementDataType} tensor.");
        }

        var strings = new string[info.ElementCount];
        for (var i = 0; i < strings.Length; i++)
            strings[i] = GetStringElement(i);
        return strings;
    }

    /// <summary>The elements in row-major order.</summary>
    /// <exception cref="OnnxRuntimeException"><typeparamref name="T"/> is neither their type nor byte, or this is no tensor.</exception>
    public ReadOnlySpan<T> GetTensorDataAsSpan<T>() where T : unmanaged => GetTensorMutableDataAsSpan<T>();

    public Span<T> GetTensorMutableDataAsSpan<T>() where T : unmanaged
    {
        var info = GetTensorTypeAndShape();
        RefuseStrings(info.ElementDataType);
        var (type, size) = ElementTypes.Of(info.ElementDataType);
        if (typeof(T) != type && typeof(T) != typeof(byte))
        {
            throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument,
                $"Requested type: {typeof(T)} does not match the actual type: {type}");
        }
        if (info.ElementCount == 0)
            return [];

        using var self = new Borrowed(Handle);
        Check(Api->GetTensorMutableData(self.Pointer, out var data));
        return new(data, checked((int)(info.ElementCount * size / sizeof(T))));
    }

    /// <summary>The elements' bytes in row-major order.</summary>
    public Span<byte> GetTensorMutableRawData() => GetTensorMutableDataAsSpan<byte>();

    /// <summary>The size of the elements.</summary>
    /// <exception cref="OnnxRuntimeException">They are strings, or this is no tensor.</exception>
    public long GetTensorSizeInBytes()
    {
        var info = GetTensorTypeAndShape();
        RefuseStrings(info.ElementDataType);
        return checked(info.ElementCount * ElementTypes.Of(info.ElementDataType).Size);
    }

    /// <summary>The element type and shape.</summary>
    /// <exception cref="OnnxRuntimeException">This is no tensor.</exception>
    public OrtTensorTypeAndShapeInfo GetTensorTypeAndShape()
    {
        using var self = new Borrowed(Handle);
        Check(Api->GetTensorTypeAndShape(self.Pointer, out var info));
        try
        {
            return new(info);
        }
        finally
        {
            Api->ReleaseTensorTypeAndShapeInfo(info);
        }
    }

    /// <summary>Where the elements are. Valid no longer than this value is.</summary>
    public OrtMemoryInfo GetTensorMemoryInfo()
    {
        using var self = new Borrowed(Handle);
        Check(Api->GetTensorMemoryInfo(self.Pointer, out var info));
        return new(info);
    }

    /// <summary>Gives the value back, and unpins the memory under it. A run in progress still finishes with it.</summary>
    public void Dispose() => Handle.Dispose();

    internal static OrtValue OverMemory<T>(OrtMemoryInfo memoryInfo, Memory<T> memory, long[] shape)
    {
        var element = ElementTypes.Of<T>();
        var count = ElementCount(shape);
        if (count > memory.Length)
        {
            throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument,
                $"Managed memory size: {memory.Length} elements is less than shape size: {count} elements");
        }

        var pin = memory.Pin();
        try
        {
            return new(OverMemory(memoryInfo, element, shape, pin.Pointer, (long)memory.Length * Unsafe.SizeOf<T>()), pin);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    private static nint OverMemory(OrtMemoryInfo memory, TensorElementType element, long[] shape, void* data, long bytes)
    {
        using var info = new Borrowed(memory);
        fixed (long* dimensions = shape)
        {
            Check(Api->CreateTensorWithDataAsOrtValue(
                info.Pointer, data, (nuint)bytes, dimensions, (nuint)shape.Length, (int)element, out var value));
            return value;
        }
    }

    private static Span<byte> StringBuffer(Borrowed self, int index, int bytes)
    {
        Check(Api->GetResizedStringTensorElementBuffer(self.Pointer, (nuint)index, (nuint)bytes, out var buffer));
        return new(buffer, bytes);
    }

    private static long ElementCount(long[] shape)
    {
        var count = 1L;
        foreach (var dimension in shape)
        {
            count = dimension >= 0 ? checked(count * dimension) : throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument,
                $"Shape: [{string.Join(',', shape)}] has a negative dimension");
        }
        return count;
    }

    private static void RefuseStrings(TensorElementType element)
    {
        if (element == TensorElementType.String)
            throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument, "Strings have no memory to lie over: use the members for string tensors");
    }
}
