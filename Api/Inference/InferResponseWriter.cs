using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>Writes the answer of an inference as the protocol's JSON, data flat and row-major.</summary>
internal static class InferResponseWriter
{
    /// <param name="forms">Outputs that it says are binary get only their size: their bytes follow the JSON.</param>
    public static void Write(
        IBufferWriter<byte> target,
        string model,
        string version,
        string? id,
        InferenceReply reply,
        AnswerParameters? parameters = null,
        OutputForms? forms = null)
    {
        using var json = new Utf8JsonWriter(target, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("model_name"u8, model);
        json.WriteString("model_version"u8, version);
        if (id is not null)
        {
            json.WriteString("id"u8, id);
        }

        (parameters is not null && HasNonFinite(reply, forms) ? parameters with { NonFinite = true } : parameters)?.Write(json);
        json.WriteStartArray("outputs"u8);
        foreach (var output in reply.Outputs)
        {
            WriteTensor(target, json, output, forms is not null && forms.IsBinary(output.Name));
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Why the outputs can't be answered in these forms; null where they can.</summary>
    public static string? Refusal(InferenceReply reply, OutputForms? forms = null)
    {
        foreach (var output in reply.Outputs)
        {
            if (output.Datatype == Datatype.Bytes && forms?.IsBinary(output.Name) != true && !IsText(output.Data.Span))
            {
                return $"outputs: '{output.Name}' has bytes that are not UTF-8 text, which JSON can't hold; ask for it as binary data";
            }
        }

        return null;
    }

    private static bool HasNonFinite(InferenceReply reply, OutputForms? forms)
    {
        foreach (var output in reply.Outputs)
        {
            if (forms?.IsBinary(output.Name) != true && FiniteNumbers.FirstNotFinite(output) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsText(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(data);
            if (!Utf8.IsValid(data.Slice(sizeof(uint), length)))
            {
                return false;
            }

            data = data[(sizeof(uint) + length)..];
        }

        return true;
    }

    private static void WriteTensor(IBufferWriter<byte> target, Utf8JsonWriter json, Tensor tensor, bool binary)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, tensor.Name);
        json.WriteString("datatype"u8, tensor.Datatype.Name());
        json.WriteStartArray("shape"u8);
        foreach (var dimension in tensor.Shape)
        {
            json.WriteNumberValue(dimension);
        }

        json.WriteEndArray();
        if (binary)
        {
            json.WriteStartObject("parameters"u8);
            json.WriteNumber("binary_data_size"u8, tensor.Data.Length);
            json.WriteEndObject();
        }
        else
        {
            json.WriteStartArray("data"u8);
            WriteData(target, json, tensor.Datatype, tensor.Data.Span);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteData(IBufferWriter<byte> target, Utf8JsonWriter json, Datatype datatype, ReadOnlySpan<byte> data)
    {
        switch (datatype)
        {
            case Datatype.Bool:
                foreach (var value in data)
                {
                    json.WriteBooleanValue(value != 0);
                }

                break;
            case Datatype.Bytes:
                WriteStrings(json, data);
                break;
            default:
                // Past the writer, which then only has to close the array.
                json.Flush();
                NumberWriter.Write(target, datatype, data);
                break;
        }
    }

    private static void WriteStrings(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(data);
            json.WriteStringValue(data.Slice(sizeof(uint), length));
            data = data[(sizeof(uint) + length)..];
        }
    }
}
