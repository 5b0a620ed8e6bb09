using System.Buffers;
using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Payloads;

/// <summary>A request's tensors as they were, to be written. Only what may be kept is copied.</summary>
internal sealed record PendingPayload(
    Prediction Record, int Days, IReadOnlyList<KeptTensor> Inputs, IReadOnlyList<KeptTensor> Outputs)
{
    /// <summary>Of all tensors of a request together; those that do not fit are named, without their data.</summary>
    public const int MaxBytes = 256 << 10;

    public static PendingPayload Of(Prediction record, PayloadSettings settings, Tensor[] inputs, Tensor[] outputs)
    {
        var left = MaxBytes;
        return new(record, settings.RetentionDays, Kept(inputs), Kept(outputs));

        KeptTensor[] Kept(Tensor[] tensors) =>
        [
            .. tensors.Select(tensor =>
            {
                if (settings.Redact.Contains(tensor.Name, StringComparer.Ordinal))
                {
                    return new KeptTensor(tensor.Name, null, null, "redacted");
                }

                if (tensor.Data.Length > left)
                {
                    return new KeptTensor(tensor.Name, tensor with { Data = default }, null, "too_large");
                }

                // The request's memory may be used again once it is answered.
                left -= tensor.Data.Length;
                return new KeptTensor(tensor.Name, tensor with { Data = default }, tensor.Data.ToArray(), null);
            }),
        ];
    }

    /// <summary>As a CloudEvent 1.0 in JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).</summary>
    public byte[] Envelope()
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("specversion", "1.0");
            writer.WriteString("id", Record.Id);
            writer.WriteString("source", $"/v2/models/{Record.Model}/versions/{Record.Version}");
            writer.WriteString("type", "inference.request.answered");
            writer.WriteString("time", Record.ReceivedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            writer.WriteString("datacontenttype", "application/json");
            writer.WriteStartObject("data");
            writer.WriteNumber("status", Record.Status);
            Write(writer, "inputs", Inputs);
            Write(writer, "outputs", Outputs);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return json.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, string name, IReadOnlyList<KeptTensor> tensors)
    {
        writer.WriteStartArray(name);
        foreach (var kept in tensors)
        {
            writer.WriteStartObject();
            writer.WriteString("name", kept.Name);
            if (kept.Tensor is { } tensor)
            {
                writer.WriteString("datatype", tensor.Datatype.Name());
                writer.WriteStartArray("shape");
                foreach (var dimension in tensor.Shape)
                {
                    writer.WriteNumberValue(dimension);
                }

                writer.WriteEndArray();
            }

            if (kept.Raw is { } raw)
            {
                writer.WriteBase64String("raw", raw);
            }
            else
            {
                writer.WriteString("omitted", kept.Omitted);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}

/// <param name="Tensor">Its datatype and shape; null where it is redacted.</param>
/// <param name="Raw">Its elements, as the binary form of the protocol has them.</param>
/// <param name="Omitted">Why there are none: <c>redacted</c> or <c>too_large</c>.</param>
internal sealed record KeptTensor(string Name, Tensor? Tensor, byte[]? Raw, string? Omitted);
