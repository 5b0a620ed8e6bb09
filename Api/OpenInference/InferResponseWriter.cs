using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Writes the answer of an inference as the protocol's JSON, data flat and row-major.</summary>
internal static class InferResponseWriter
{
    public static void Write(IBufferWriter<byte> target, string model, string version, string? id, InferenceReply reply, AnswerParameters parameters)
    {
        using var json = new Utf8JsonWriter(target, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("model_name"u8, model);
        json.WriteString("model_version"u8, version);
        if (id is not null)
        {
            json.WriteString("id"u8, id);
        }

        parameters.Write(json);
        json.WriteStartArray("outputs"u8);
        foreach (var output in reply.Outputs)
        {
            WriteTensor(json, output);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, Tensor tensor)
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
        json.WriteStartArray("data"u8);
        WriteData(json, tensor.Datatype, tensor.Data.Span);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteData(Utf8JsonWriter json, Datatype datatype, ReadOnlySpan<byte> data)
    {
        switch (datatype)
        {
            case Datatype.Bool:
                foreach (var value in data)
                {
                    json.WriteBooleanValue(value != 0);
                }

                break;
            case Datatype.Uint8:
                WriteNumbers<byte>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Int8:
                WriteNumbers<sbyte>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Uint16:
                WriteNumbers<ushort>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Int16:
                WriteNumbers<short>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Uint32:
                WriteNumbers<uint>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Int32:
                WriteNumbers<int>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Uint64:
                WriteNumbers<ulong>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Int64:
                WriteNumbers<long>(json, data, static (json, value) => json.WriteNumberValue(value));
                break;
            case Datatype.Fp32:
                WriteNumbers<float>(json, data, static (json, value) => WriteFinite(json, value));
                break;
            case Datatype.Fp64:
                WriteNumbers<double>(json, data, static (json, value) => WriteFinite(json, value));
                break;
            case Datatype.Bytes:
                WriteStrings(json, data);
                break;
            default:
                throw new NotSupportedException($"{datatype.Name()} can't be written as JSON.");
        }
    }

    private static void WriteNumbers<T>(Utf8JsonWriter json, ReadOnlySpan<byte> data, Action<Utf8JsonWriter, T> write)
        where T : unmanaged
    {
        // Elements of a slice of a message need not be aligned; every processor that .NET runs on reads them all the same.
        foreach (var value in MemoryMarshal.Cast<byte, T>(data))
        {
            write(json, value);
        }
    }

    // JSON has no NaN and no infinity. A float is written as such: as a double it would grow digits that it does not have.
    private static void WriteFinite(Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static void WriteFinite(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
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
