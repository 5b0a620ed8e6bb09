using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace InferenceTemplate.Client;

/// <summary>A named tensor, an input or an output: its elements row-major. An output may be the input of another model.</summary>
public sealed class InferenceTensor
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    internal InferenceTensor(string name, string datatype, long[] shape, ReadOnlyMemory<byte> data)
    {
        Name = name;
        Datatype = datatype;
        Shape = shape;
        Data = data;
    }

    /// <summary>The name that the model gives it.</summary>
    public string Name { get; }

    /// <summary>The protocol's name of the datatype, such as <c>FP32</c>.</summary>
    public string Datatype { get; }

    /// <summary>Sizes of the dimensions.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The elements as they are sent: little-endian; of <c>BYTES</c>, each behind its length in 32 bits.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Makes a tensor; the data are copied.</summary>
    /// <typeparam name="T">
    /// <see cref="bool"/>, an integer, <see cref="Half"/>, <see cref="float"/> or <see cref="double"/>; <see cref="string"/> or
    /// <c>byte[]</c> for <c>BYTES</c>.
    /// </typeparam>
    /// <param name="name">The name that the model gives it.</param>
    /// <param name="shape">Sizes of the dimensions; their product is the number of elements.</param>
    /// <param name="data">The elements, row-major.</param>
    /// <exception cref="ArgumentException">There are not as many elements as the shape says.</exception>
    /// <exception cref="NotSupportedException">No datatype has such elements.</exception>
    public static InferenceTensor Create<T>(string name, ReadOnlySpan<long> shape, ReadOnlySpan<T> data) =>
        Of(name, Datatypes.Of(typeof(T)), shape, data);

    /// <summary>Makes a tensor of <c>BF16</c>, for which .NET has no type, from the upper halves of floats.</summary>
    /// <inheritdoc cref="Create{T}(string, ReadOnlySpan{long}, ReadOnlySpan{T})"/>
    public static InferenceTensor CreateBFloat16(string name, ReadOnlySpan<long> shape, ReadOnlySpan<ushort> data) =>
        Of(name, Datatypes.BFloat16, shape, data);

    /// <summary>The elements, row-major; without a copy, but for <see cref="string"/> and <c>byte[]</c>.</summary>
    /// <typeparam name="T">The type that the datatype is made from; <see cref="ushort"/> for <c>BF16</c>.</typeparam>
    /// <exception cref="InvalidCastException">The datatype has no elements of that type, or a text is not UTF-8.</exception>
    public ReadOnlySpan<T> As<T>()
    {
        if (!Datatypes.TypesOf(Datatype).Contains(typeof(T)))
        {
            var readable = string.Join(" or ", Datatypes.TypesOf(Datatype).Select(type => $"As<{type.Name}>()"));
            throw new InvalidCastException(
                $"'{Name}' is {Datatype}, which As<{typeof(T).Name}>() can't read: use {(readable.Length > 0 ? readable : nameof(Data))}.");
        }

        if (typeof(T) == typeof(string))
        {
            return (T[])(object)Texts();
        }

        if (typeof(T) == typeof(byte[]))
        {
            return (T[])(object)Elements();
        }

        // The length is a multiple of the size: both ways to make a tensor compare it with the shape.
        ref var first = ref Unsafe.As<byte, T>(ref MemoryMarshal.GetReference(Data.Span));
        return MemoryMarshal.CreateReadOnlySpan(ref first, Data.Length / Unsafe.SizeOf<T>());
    }

    /// <summary>Name, datatype and shape.</summary>
    public override string ToString() => $"{Name} {Datatype} [{string.Join(',', Shape)}]";

    private static InferenceTensor Of<T>(string name, string datatype, ReadOnlySpan<long> shape, ReadOnlySpan<T> data)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var count = CountOf(shape);
        return data.Length == count
            ? new InferenceTensor(name, datatype, shape.ToArray(), BytesOf(data))
            : throw new ArgumentException(
                $"'{name}': {data.Length} elements given, but the shape [{string.Join(',', shape.ToArray())}] says {count}.", nameof(data));
    }

    /// <summary>The product of the dimensions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative, or they are too many elements.</exception>
    internal static long CountOf(ReadOnlySpan<long> shape)
    {
        var count = 1L;
        foreach (var dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, nameof(shape));
            count = dimension == 0 || count <= int.MaxValue / dimension
                ? count * dimension
                : throw new ArgumentOutOfRangeException(nameof(shape), $"[{string.Join(',', shape.ToArray())}]: too many elements.");
        }

        return count;
    }

    private static byte[] BytesOf<T>(ReadOnlySpan<T> data)
    {
        if (typeof(T) == typeof(string))
        {
            return Prefixed([.. data], static (object? text) => Utf8.GetBytes((string)text!));
        }

        if (typeof(T) == typeof(byte[]))
        {
            return Prefixed([.. data], static (object? bytes) => (byte[])bytes!);
        }

        ref var first = ref Unsafe.As<T, byte>(ref MemoryMarshal.GetReference(data));
        return MemoryMarshal.CreateReadOnlySpan(ref first, data.Length * Unsafe.SizeOf<T>()).ToArray();
    }

    private static byte[] Prefixed<T>(T[] elements, Func<object?, byte[]> bytesOf)
    {
        using var bytes = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(uint)];
        foreach (var element in elements)
        {
            var each = bytesOf(element);
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)each.Length);
            bytes.Write(length);
            bytes.Write(each);
        }

        return bytes.ToArray();
    }

    private byte[][] Elements()
    {
        var elements = new List<byte[]>();
        for (var rest = Data.Span; !rest.IsEmpty;)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(rest);
            elements.Add(rest.Slice(sizeof(uint), length).ToArray());
            rest = rest[(sizeof(uint) + length)..];
        }

        return [.. elements];
    }

    private string[] Texts()
    {
        try
        {
            return [.. Elements().Select(Utf8.GetString)];
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidCastException($"'{Name}' has elements that are not UTF-8 text: use As<Byte[]>().", exception);
        }
    }
}
