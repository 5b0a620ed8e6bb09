using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace InferenceTemplate.Web.Components.Playground;

/// <summary>What was sent, from the payload that was kept of a request: its tensors are there in the binary form of the protocol.</summary>
internal static class KeptRequest
{
    /// <summary>The inputs as a request in JSON, or why there is none.</summary>
    /// <param name="payload">A CloudEvent, as the Api keeps it.</param>
    public static (string? Request, string? Problem) Of(string payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            var body = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(body))
            {
                json.WriteStartObject();
                json.WriteStartArray("inputs");
                foreach (var input in document.RootElement.GetProperty("data").GetProperty("inputs").EnumerateArray())
                {
                    var name = input.GetProperty("name").GetString()!;
                    if (!input.TryGetProperty("raw", out var raw))
                    {
                        var omitted = input.TryGetProperty("omitted", out var reason) ? reason.GetString()?.Replace('_', ' ') : "not kept";
                        return (null, $"the input '{name}' was {omitted}");
                    }

                    var datatype = input.GetProperty("datatype").GetString()!;
                    json.WriteStartObject();
                    json.WriteString("name", name);
                    json.WriteString("datatype", datatype);
                    json.WritePropertyName("shape");
                    input.GetProperty("shape").WriteTo(json);
                    json.WriteStartArray("data");
                    if (!Write(json, datatype, raw.GetBytesFromBase64()))
                    {
                        return (null, $"the input '{name}' has values of {datatype} that JSON can't tell");
                    }

                    json.WriteEndArray();
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            return (Encoding.UTF8.GetString(body.WrittenSpan), null);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or FormatException or InvalidOperationException
            or ArgumentException)
        {
            return (null, "what was kept of it can't be read");
        }
    }

    // False for what is no number, or no text.
    private static bool Write(Utf8JsonWriter json, string datatype, ReadOnlySpan<byte> raw)
    {
        if (datatype == "BYTES")
        {
            return WriteTexts(json, raw);
        }

        var size = datatype switch
        {
            "BOOL" or "INT8" or "UINT8" => 1,
            "INT16" or "UINT16" or "FP16" or "BF16" => 2,
            "INT32" or "UINT32" or "FP32" => 4,
            "INT64" or "UINT64" or "FP64" => 8,
            _ => 0,
        };
        if (size == 0 || raw.Length % size != 0)
        {
            return false;
        }

        for (; raw.Length > 0; raw = raw[size..])
        {
            switch (datatype)
            {
                case "BOOL":
                    json.WriteBooleanValue(raw[0] != 0);
                    break;
                case "INT8":
                    json.WriteNumberValue((sbyte)raw[0]);
                    break;
                case "UINT8":
                    json.WriteNumberValue(raw[0]);
                    break;
                case "INT16":
                    json.WriteNumberValue(BinaryPrimitives.ReadInt16LittleEndian(raw));
                    break;
                case "UINT16":
                    json.WriteNumberValue(BinaryPrimitives.ReadUInt16LittleEndian(raw));
                    break;
                case "INT32":
                    json.WriteNumberValue(BinaryPrimitives.ReadInt32LittleEndian(raw));
                    break;
                case "UINT32":
                    json.WriteNumberValue(BinaryPrimitives.ReadUInt32LittleEndian(raw));
                    break;
                case "INT64":
                    json.WriteNumberValue(BinaryPrimitives.ReadInt64LittleEndian(raw));
                    break;
                case "UINT64":
                    json.WriteNumberValue(BinaryPrimitives.ReadUInt64LittleEndian(raw));
                    break;
                default:
                    // The same text that a float of this width is written as, so that it is read as the same value again.
                    if (!WriteFloat(json, datatype, raw))
                    {
                        return false;
                    }

                    break;
            }
        }

        return true;
    }

    private static bool WriteFloat(Utf8JsonWriter json, string datatype, ReadOnlySpan<byte> raw)
    {
        if (datatype == "FP64")
        {
            var number = BinaryPrimitives.ReadDoubleLittleEndian(raw);
            if (!double.IsFinite(number))
            {
                return false;
            }

            json.WriteNumberValue(number);
            return true;
        }

        var single = datatype switch
        {
            "FP16" => (float)BinaryPrimitives.ReadHalfLittleEndian(raw),
            "BF16" => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(raw) << 16),
            _ => BinaryPrimitives.ReadSingleLittleEndian(raw),
        };
        if (!float.IsFinite(single))
        {
            return false;
        }

        json.WriteNumberValue(single);
        return true;
    }

    private static bool WriteTexts(Utf8JsonWriter json, ReadOnlySpan<byte> raw)
    {
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        while (raw.Length > 0)
        {
            var length = raw.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32LittleEndian(raw);
            if (length < 0 || length > raw.Length - sizeof(int))
            {
                return false;
            }

            try
            {
                json.WriteStringValue(strict.GetString(raw.Slice(sizeof(int), length)));
            }
            catch (DecoderFallbackException)
            {
                return false;
            }

            raw = raw[(sizeof(int) + length)..];
        }

        return true;
    }
}
