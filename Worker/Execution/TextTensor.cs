using System.Buffers.Binary;
using InferenceTemplate.Core.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Brings texts from ONNX Runtime's memory into the protocol's form: each a length and that many bytes.</summary>
internal static class TextTensor
{
    /// <summary>The elements of a tensor in the protocol's form, without copying them.</summary>
    /// <exception cref="InvalidDataException">They are not each a length and that many bytes.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Elements(ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
        {
            var length = data.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(data.Span) : uint.MaxValue;
            if (length > data.Length - sizeof(uint))
            {
                throw new InvalidDataException("The texts are not each a length and that many bytes.");
            }

            yield return data.Slice(sizeof(uint), (int)length);
            data = data[(sizeof(uint) + (int)length)..];
        }
    }

    /// <returns>Where in the protocol's form each element begins, with the end as the last.</returns>
    public static long[] Starts(OrtValue value)
    {
        var count = checked((int)TensorShape.ElementCount(value.GetTensorTypeAndShape().Shape));
        var starts = new long[count + 1];
        for (var i = 0; i < count; i++)
        {
            starts[i + 1] = starts[i] + sizeof(uint) + value.GetStringElementAsSpan(i).Length;
        }

        return starts;
    }

    /// <returns>The bytes of the elements from one to before another.</returns>
    public static byte[] Read(OrtValue value, long[] starts, int first, int end)
    {
        var bytes = new byte[checked((int)(starts[end] - starts[first]))];
        for (var i = first; i < end; i++)
        {
            var text = value.GetStringElementAsSpan(i);
            var at = (int)(starts[i] - starts[first]);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), (uint)text.Length);
            text.CopyTo(bytes.AsSpan(at + sizeof(uint)));
        }

        return bytes;
    }
}
