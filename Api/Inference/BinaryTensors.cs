using System.Buffers.Binary;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>The raw tensors behind a request's JSON, in the order of its inputs.</summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal ref struct BinaryTensors(ReadOnlySpan<byte> bytes)
{
    private readonly int _total = bytes.Length;
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Takes the next tensor, a copy of its bytes.</summary>
    public byte[] Take(long size, Datatype datatype, int count, int index)
    {
        if (size > _rest.Length)
        {
            throw new InvalidInferBodyException(
                $"inputs[{index}].parameters.binary_data_size: {size} bytes said, but only {_rest.Length} are left of the {_total} behind the JSON");
        }

        var data = _rest[..(int)size];
        _rest = _rest[(int)size..];
        Check(data, datatype, count, index, "parameters.binary_data_size");
        return data.ToArray();
    }

    public readonly void RequireNoRest()
    {
        if (!_rest.IsEmpty)
        {
            throw new InvalidInferBodyException(
                $"{_total} bytes follow the JSON, but the inputs' binary_data_size add up to {_total - _rest.Length}");
        }
    }

    /// <summary>Operators compute with the byte of a BOOL: one beyond 0 and 1 would be neither, with no word of it in the answer.</summary>
    /// <param name="of">What the data is of, for whoever is told.</param>
    public static void CheckElements(ReadOnlySpan<byte> data, Datatype datatype, string of)
    {
        if (datatype == Datatype.Bool && data.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var wrong)
        {
            throw new InvalidInferBodyException($"{of}: element {wrong} is the byte {data[wrong]}; a BOOL is 0 or 1");
        }
    }

    /// <param name="field">Where the input says how long its data is.</param>
    public static void Check(ReadOnlySpan<byte> data, Datatype datatype, int count, int index, string field)
    {
        if (datatype != Datatype.Bytes)
        {
            if (data.Length != (long)count * datatype.Size())
            {
                throw new InvalidInferBodyException(
                    $"inputs[{index}].{field}: {data.Length} bytes given, but the shape says {(long)count * datatype.Size()}");
            }

            CheckElements(data, datatype, $"inputs[{index}]");
            return;
        }

        var given = 0;
        for (; !data.IsEmpty; given++)
        {
            if (data.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(data) > data.Length - sizeof(uint))
            {
                throw new InvalidInferBodyException($"inputs[{index}]: element {given} is cut short");
            }

            data = data[(sizeof(uint) + (int)BinaryPrimitives.ReadUInt32LittleEndian(data))..];
        }

        if (given != count)
        {
            throw new InvalidInferBodyException($"inputs[{index}]: {given} elements given, but the shape says {count}");
        }
    }
}
