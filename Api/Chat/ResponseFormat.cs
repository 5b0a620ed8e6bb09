using System.Text.Json;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.OpenAi;

namespace InferenceTemplate.Api.Chat;

/// <summary>The field <c>response_format</c>: whatever text, any object, or what a schema says.</summary>
internal static class ResponseFormat
{
    private static readonly JsonElement s_object = JsonSerializer.Deserialize("""{"type":"object"}""", ChatJson.Default.JsonElement);

    /// <returns>The schema; null for any text.</returns>
    public static JsonElement? Read(JsonElement format)
    {
        if (format.ValueKind != JsonValueKind.Object || !format.TryGetProperty("type"u8, out var type))
        {
            throw new InvalidInferBodyException("response_format: an object with a type expected");
        }

        var isSchema = OpenAiFields.IsText(type, "json_schema");
        foreach (var field in format.EnumerateObject())
        {
            if (!field.NameEquals("type"u8) && !(isSchema && field.NameEquals("json_schema"u8)))
            {
                throw OpenAiFields.Unsupported($"response_format.{OpenAiFields.Shown(field.Name)}");
            }
        }

        return isSchema ? SchemaOf(format)
            : OpenAiFields.IsText(type, "json_object") ? s_object
            : OpenAiFields.IsText(type, "text") ? null
            : throw new InvalidInferBodyException("response_format.type: text, json_object or json_schema expected");
    }

    // Whether strict or not: an answer that fits is one that fits.
    private static JsonElement SchemaOf(JsonElement format)
    {
        if (!format.TryGetProperty("json_schema"u8, out var named) || named.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInferBodyException("response_format.json_schema: an object with a name and a schema expected");
        }

        JsonElement? schema = null;
        foreach (var field in named.EnumerateObject())
        {
            switch (field.Name)
            {
                case "name" or "description" or "strict":
                    break;
                case "schema":
                    schema = field.Value;
                    break;
                default:
                    throw OpenAiFields.Unsupported($"response_format.json_schema.{OpenAiFields.Shown(field.Name)}");
            }
        }

        return schema ?? throw new InvalidInferBodyException("response_format.json_schema.schema: it is missing");
    }
}
