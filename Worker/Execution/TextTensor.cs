using System.Buffers.Binary;
using InferenceTemplate.Core.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Brings texts from ONNX Runtime's memory into the protocol's form: each a length and that many bytes.</summary>
internal static class TextTensor
{
    /// <returns>The bytes, and where each element begins, with the end as the last.</returns>
    public static (byte[] Bytes, int[] Starts) Read(OrtValue value)
    {
        var count = checked((int)TensorShape.ElementCount(value.GetTensorTypeAndShape().Shape));
        var starts = new int[count + 1];
        for (var i = 0; i < count; i++)
        {
            starts[i + 1] = checked(starts[i] + sizeof(uint) + value.GetStringElementAsSpan(i).Length);
        }

        var bytes = new byte[starts[count]];
        for (var i = 0; i < count; i++)
        {
            var text = value.GetStringElementAsSpan(i);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(starts[i]), (uint)text.Length);
            text.CopyTo(bytes.AsSpan(starts[i] + sizeof(uint)));
        }

        return (bytes, starts);
    }
}
