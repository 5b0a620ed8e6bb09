using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Grpc;

/// <summary>Reads a tensor from the typed fields of a message.</summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal static class TensorContents
{
    /// <summary>Whether any field has elements.</summary>
    public static bool HasAny(InferTensorContents? contents) => contents is not null && Fields(contents).Any(field => field.Count > 0);

    /// <param name="count">Elements that the shape says.</param>
    public static ReadOnlyMemory<byte> Read(InferTensorContents contents, Datatype datatype, int count, int index)
    {
        var expected = FieldOf(datatype) ?? throw new InvalidInferBodyException(
            $"inputs[{index}].datatype: {datatype.Name()} can't be given as contents; send raw_input_contents");
        var (field, given) = Fields(contents).FirstOrDefault(f => f.Count > 0 && f.Name != expected);
        if (field is not null)
        {
            throw new InvalidInferBodyException(
                $"inputs[{index}].contents: {datatype.Name()} is expected in {expected}, but {field} has {given} elements");
        }

        given = Fields(contents).First(f => f.Name == expected).Count;
        if (given != count)
        {
            throw new InvalidInferBodyException($"inputs[{index}].contents.{expected}: {given} elements given, but the shape says {count}");
        }

        return datatype switch
        {
            Datatype.Bool => Bools(contents.BoolContents),
            Datatype.Int8 => Numbers<int, sbyte>(contents.IntContents, datatype, expected, index),
            Datatype.Int16 => Numbers<int, short>(contents.IntContents, datatype, expected, index),
            Datatype.Int32 => Numbers<int, int>(contents.IntContents, datatype, expected, index),
            Datatype.Int64 => Numbers<long, long>(contents.Int64Contents, datatype, expected, index),
            Datatype.Uint8 => Numbers<uint, byte>(contents.UintContents, datatype, expected, index),
            Datatype.Uint16 => Numbers<uint, ushort>(contents.UintContents, datatype, expected, index),
            Datatype.Uint32 => Numbers<uint, uint>(contents.UintContents, datatype, expected, index),
            Datatype.Uint64 => Numbers<ulong, ulong>(contents.Uint64Contents, datatype, expected, index),
            Datatype.Fp32 => Numbers<float, float>(contents.Fp32Contents, datatype, expected, index),
            Datatype.Fp64 => Numbers<double, double>(contents.Fp64Contents, datatype, expected, index),
            _ => Texts(contents.BytesContents),
        };
    }

    private static string? FieldOf(Datatype datatype) => datatype switch
    {
        Datatype.Bool => "bool_contents",
        Datatype.Int8 or Datatype.Int16 or Datatype.Int32 => "int_contents",
        Datatype.Int64 => "int64_contents",
        Datatype.Uint8 or Datatype.Uint16 or Datatype.Uint32 => "uint_contents",
        Datatype.Uint64 => "uint64_contents",
        Datatype.Fp32 => "fp32_contents",
        Datatype.Fp64 => "fp64_contents",
        Datatype.Bytes => "bytes_contents",
        _ => null,
    };

    private static IEnumerable<(string Name, int Count)> Fields(InferTensorContents contents) =>
    [
        ("bool_contents", contents.BoolContents.Count),
        ("int_contents", contents.IntContents.Count),
        ("int64_contents", contents.Int64Contents.Count),
        ("uint_contents", contents.UintContents.Count),
        ("uint64_contents", contents.Uint64Contents.Count),
        ("fp32_contents", contents.Fp32Contents.Count),
        ("fp64_contents", contents.Fp64Contents.Count),
        ("bytes_contents", contents.BytesContents.Count),
    ];

    private static byte[] Bools(RepeatedField<bool> values)
    {
        var data = new byte[values.Count];
        for (var i = 0; i < data.Length; i++)
        {
            data[i] = values[i] ? (byte)1 : (byte)0;
        }

        return data;
    }

    private static byte[] Numbers<TGiven, TWanted>(RepeatedField<TGiven> values, Datatype datatype, string field, int index)
        where TGiven : unmanaged, INumber<TGiven>
        where TWanted : unmanaged, INumber<TWanted>
    {
        var data = GC.AllocateUninitializedArray<byte>(values.Count * datatype.Size());
        var elements = MemoryMarshal.Cast<byte, TWanted>(data.AsSpan());
        for (var i = 0; i < elements.Length; i++)
        {
            try
            {
                elements[i] = TWanted.CreateChecked(values[i]);
            }
            catch (OverflowException)
            {
                throw new InvalidInferBodyException(
                    $"inputs[{index}].contents.{field}: element {i} is {values[i]}, which is out of the range of {datatype.Name()}");
            }
        }

        return data;
    }

    private static byte[] Texts(RepeatedField<ByteString> values)
    {
        var data = new byte[values.Sum(value => (long)sizeof(uint) + value.Length)];
        var at = 0;
        foreach (var value in values)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), (uint)value.Length);
            value.Span.CopyTo(data.AsSpan(at + sizeof(uint)));
            at += sizeof(uint) + value.Length;
        }

        return data;
    }
}
