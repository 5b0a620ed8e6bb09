using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>Reads a tensor's <c>data</c>, nested or flat, row-major, into tensor memory.</summary>
internal static class TensorDataReader
{
    private delegate bool ReadElement(ref Utf8JsonReader reader, Span<byte> target);

    /// <param name="reader">Stands on the value of <c>data</c>.</param>
    /// <param name="text">The text from there on.</param>
    /// <exception cref="InvalidInferBodyException">The elements are of another type or number than declared.</exception>
    public static ReadOnlyMemory<byte> Read(
        Utf8JsonReader reader, ReadOnlySpan<byte> text, Datatype datatype, long[] shape, int index, LimitOptions limits)
    {
        var count = ElementCount(shape, index, limits);
        var path = $"inputs[{index}]";
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new InvalidInferBodyException($"{path}.data: an array expected");
        }

        if (datatype is Datatype.Fp16 or Datatype.Bf16)
        {
            throw new InvalidInferBodyException($"{path}.datatype: {datatype.Name()} can't be given as JSON numbers");
        }

        if (datatype == Datatype.Bytes)
        {
            return ReadBytes(ref reader, count, path);
        }

        return TryReadNumbers(text, datatype, count, limits.MaxJsonDepth - reader.CurrentDepth, out _)
            ?? ReadFixed(ref reader, text.Length, datatype, count, path);
    }

    /// <summary>Reads plain numbers, exactly so many; null where the text is anything else.</summary>
    /// <param name="text">Begins with the array's bracket.</param>
    /// <param name="length">How long the array's text is.</param>
    public static byte[]? TryReadNumbers(ReadOnlySpan<byte> text, Datatype datatype, int count, int maxDepth, out int length)
    {
        // A number and its comma are two bytes at least: a shape that promises more than the text can hold gets no memory.
        length = -1;
        if (datatype.Size() == 0 || text.Length < 2L * count)
        {
            return null;
        }

        var data = GC.AllocateUninitializedArray<byte>(count * datatype.Size());
        length = TensorNumbers.Read(text, datatype, data, maxDepth);
        return length < 0 ? null : data;
    }

    public static int ElementCount(long[] shape, int index, LimitOptions limits)
    {
        long count = 1;
        foreach (var dimension in shape)
        {
            count *= dimension;
            if (count > limits.MaxElements)
            {
                throw new InvalidInferBodyException(
                    $"inputs[{index}].shape: {TensorShape.Format(shape)} is more than {limits.MaxElements} elements");
            }
        }

        return (int)count;
    }

    private static byte[] ReadFixed(ref Utf8JsonReader reader, int textLength, Datatype datatype, int count, string path)
    {
        var size = datatype.Size();

        // No more than the text can hold, whatever the shape promises: an element and its comma are two bytes at least.
        var data = new byte[Math.Min(count, (textLength / 2) + 1) * size];
        var read = Reader(datatype);
        var outermost = reader.CurrentDepth;
        var index = 0;
        while (NextElement(ref reader, outermost))
        {
            if (index == count)
            {
                throw TooMany(path, count);
            }

            if (!read(ref reader, data.AsSpan(index * size, size)))
            {
                throw new InvalidInferBodyException($"{path}.data: element {index} is not a {datatype.Name()}");
            }

            index++;
        }

        return index == count ? data : throw TooFew(path, index, count);
    }

    private static ReadOnlyMemory<byte> ReadBytes(ref Utf8JsonReader reader, int count, string path)
    {
        var data = new ArrayBufferWriter<byte>();
        var outermost = reader.CurrentDepth;
        var index = 0;
        while (NextElement(ref reader, outermost))
        {
            if (index == count)
            {
                throw TooMany(path, count);
            }

            if (reader.TokenType != JsonTokenType.String)
            {
                throw new InvalidInferBodyException($"{path}.data: element {index} is not a string");
            }

            // Unescaping only shortens, so the escaped length is room enough.
            var target = data.GetSpan(sizeof(uint) + reader.ValueSpan.Length);
            int length;
            try
            {
                length = reader.CopyString(target[sizeof(uint)..]);
            }
            catch (InvalidOperationException)
            {
                throw new InvalidInferBodyException(
                    $"{path}.data: element {index} is not valid UTF-8; other bytes can be sent as a binary tensor");
            }

            BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)length);
            data.Advance(sizeof(uint) + length);
            index++;
        }

        return index == count ? data.WrittenMemory : throw TooFew(path, index, count);
    }

    // Moves to the next value that is not an array, at whatever depth; false at the end of the outermost one.
    private static bool NextElement(ref Utf8JsonReader reader, int outermost)
    {
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.EndArray))
            {
                return true;
            }

            if (reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == outermost)
            {
                return false;
            }
        }

        return false;
    }

    private static ReadElement Reader(Datatype datatype) => datatype switch
    {
        Datatype.Bool => static (ref reader, target) =>
        {
            target[0] = reader.TokenType == JsonTokenType.True ? (byte)1 : (byte)0;
            return reader.TokenType is JsonTokenType.True or JsonTokenType.False;
        }
        ,
        Datatype.Uint8 => static (ref reader, target) => IsNumber(reader) && reader.TryGetByte(out var v) && Put(target, v),
        Datatype.Uint16 => static (ref reader, target) => IsNumber(reader) && reader.TryGetUInt16(out var v) && Put(target, v),
        Datatype.Uint32 => static (ref reader, target) => IsNumber(reader) && reader.TryGetUInt32(out var v) && Put(target, v),
        Datatype.Uint64 => static (ref reader, target) => IsNumber(reader) && reader.TryGetUInt64(out var v) && Put(target, v),
        Datatype.Int8 => static (ref reader, target) => IsNumber(reader) && reader.TryGetSByte(out var v) && Put(target, v),
        Datatype.Int16 => static (ref reader, target) => IsNumber(reader) && reader.TryGetInt16(out var v) && Put(target, v),
        Datatype.Int32 => static (ref reader, target) => IsNumber(reader) && reader.TryGetInt32(out var v) && Put(target, v),
        Datatype.Int64 => static (ref reader, target) => IsNumber(reader) && reader.TryGetInt64(out var v) && Put(target, v),
        Datatype.Fp32 => static (ref reader, target) =>
            IsNumber(reader) && reader.TryGetSingle(out var v) && float.IsFinite(v) && Put(target, v),
        _ => static (ref reader, target) =>
            IsNumber(reader) && reader.TryGetDouble(out var v) && double.IsFinite(v) && Put(target, v),
    };

    private static bool IsNumber(in Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Number;

    private static bool Put<T>(Span<byte> target, T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(target, value);
        return true;
    }

    private static InvalidInferBodyException TooMany(string path, int count) =>
        new($"{path}.data: more elements than the {count} that the shape says");

    private static InvalidInferBodyException TooFew(string path, int given, int count) =>
        new($"{path}.data: {given} elements given, but the shape says {count}");
}
