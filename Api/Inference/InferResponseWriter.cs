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
    // Of a tensor: as JSON, at most six times as many.
    private const int PieceBytes = 16 << 10;

    private static readonly JsonWriterOptions Options = new() { SkipValidation = true };

    // For answers that are written in one go.
    [ThreadStatic]
    private static Utf8JsonWriter? t_json;

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
        var json = t_json ??= new Utf8JsonWriter(target, Options);
        json.Reset(target);
        WriteStart(json, model, version, id, reply, parameters, forms);
        foreach (var output in reply.Outputs)
        {
            if (!TryWriteRaw(json, output, forms))
            {
                for (var at = 0; at < output.Data.Length;)
                {
                    at += WriteData(target, json, output.Datatype, output.Data.Span, at);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        WriteEnd(json);
        json.Flush();
    }

    /// <summary>
    /// Writes the answer piece by piece as this is enumerated, so that what is written can go out between: JSON may be many times its
    /// tensors.
    /// </summary>
    /// <returns>The numbers of the outputs that were written on.</returns>
    public static IEnumerable<int> Pieces(
        IBufferWriter<byte> target,
        string model,
        string version,
        string? id,
        InferenceReply reply,
        AnswerParameters? parameters,
        OutputForms? forms)
    {
        using var json = new Utf8JsonWriter(target, Options);
        WriteStart(json, model, version, id, reply, parameters, forms);
        for (var i = 0; i < reply.Outputs.Length; i++)
        {
            var output = reply.Outputs[i];
            if (!TryWriteRaw(json, output, forms))
            {
                for (var at = 0; at < output.Data.Length;)
                {
                    at += WriteData(target, json, output.Datatype, output.Data.Span, at);
                    json.Flush();
                    yield return i;
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        WriteEnd(json);
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

    private static void WriteStart(
        Utf8JsonWriter json, string model, string version, string? id, InferenceReply reply, AnswerParameters? parameters,
        OutputForms? forms)
    {
        json.WriteStartObject();
        json.WriteString("model_name"u8, model);
        json.WriteString("model_version"u8, version);
        if (id is not null)
        {
            json.WriteString("id"u8, id);
        }

        (parameters is not null && HasNonFinite(reply, forms) ? parameters with { NonFinite = true } : parameters)?.Write(json);
        json.WriteStartArray("outputs"u8);
    }

    private static void WriteEnd(Utf8JsonWriter json)
    {
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <returns>Whether nothing is left to write of the output, its bytes following the JSON; else its array is begun.</returns>
    private static bool TryWriteRaw(Utf8JsonWriter json, Tensor output, OutputForms? forms)
    {
        WriteHead(json, output);
        if (forms is null || !forms.IsBinary(output.Name))
        {
            json.WriteStartArray("data"u8);
            return false;
        }

        json.WriteStartObject("parameters"u8);
        json.WriteNumber("binary_data_size"u8, output.Data.Length);
        json.WriteEndObject();
        return true;
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

    private static void WriteHead(Utf8JsonWriter json, Tensor tensor)
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
    }

    /// <returns>How many bytes of the data were written.</returns>
    private static int WriteData(IBufferWriter<byte> target, Utf8JsonWriter json, Datatype datatype, ReadOnlySpan<byte> data, int at)
    {
        if (datatype == Datatype.Bytes)
        {
            return WriteStrings(json, data[at..]);
        }

        // A multiple of every element's size.
        var piece = data.Slice(at, Math.Min(PieceBytes, data.Length - at));
        if (datatype == Datatype.Bool)
        {
            foreach (var value in piece)
            {
                json.WriteBooleanValue(value != 0);
            }

            return piece.Length;
        }

        // Past the writer, which then only has to close the array.
        json.Flush();
        if (at > 0)
        {
            target.Write(","u8);
        }

        NumberWriter.Write(target, datatype, piece);
        return piece.Length;
    }

    private static int WriteStrings(Utf8JsonWriter json, ReadOnlySpan<byte> data)
    {
        var at = 0;
        while (at < data.Length && at < PieceBytes)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
            json.WriteStringValue(data.Slice(at + sizeof(uint), length));
            at += sizeof(uint) + length;
        }

        return at;
    }
}
