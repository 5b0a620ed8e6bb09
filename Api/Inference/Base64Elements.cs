using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// An input whose parameter <c>content_type</c> is <c>base64</c>, as clients of MLServer send bytes: each element is the base64 of what it
/// stands for.
/// </summary>
internal static class Base64Elements
{
    public const string ContentType = "base64";

    /// <exception cref="InvalidInferBodyException">The input is not of BYTES, or an element is no base64.</exception>
    public static Tensor Decode(Tensor encoded, int index)
    {
        if (encoded.Datatype != Datatype.Bytes)
        {
            throw new InvalidInferBodyException(
                $"inputs[{index}].parameters.content_type: {ContentType} is only for BYTES; the datatype is {encoded.Datatype.Name()}");
        }

        var decoded = GC.AllocateUninitializedArray<byte>(encoded.Data.Length);
        var from = encoded.Data.Span;
        var to = 0;
        for (var element = 0; !from.IsEmpty; element++)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(from);
            var text = from.Slice(sizeof(int), length);
            if (Base64.DecodeFromUtf8(text, decoded.AsSpan(to + sizeof(int)), out _, out var written) != OperationStatus.Done)
            {
                throw new InvalidInferBodyException(
                    $"inputs[{index}].data: element {element} is not base64, as the parameter content_type says");
            }

            BinaryPrimitives.WriteInt32LittleEndian(decoded.AsSpan(to), written);
            to += sizeof(int) + written;
            from = from[(sizeof(int) + length)..];
        }

        return encoded with { Data = decoded.AsMemory(0, to) };
    }
}
