using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Api.Chat;

/// <summary>The fields <c>tools</c>, <c>tool_choice</c> and <c>parallel_tool_calls</c>, and the calls in messages.</summary>
internal sealed class ToolChoice
{
    private const int MaxCalls = 128;

    public JsonElement? Tools { get; set; }

    public JsonElement? Choice { get; set; }

    public bool Parallel { get; set; } = true;

    /// <summary>Puts down in a request what was given.</summary>
    /// <returns>What its answer may call.</returns>
    public CallableTools Apply(GenerationRequest request) => new(Names(request), Parallel);

    private HashSet<string> Names(GenerationRequest request)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        if (Tools is not { } tools || (tools.ValueKind == JsonValueKind.Array && tools.GetArrayLength() == 0))
        {
            return Choice is not { } alone || OpenAiFields.IsText(alone, "none") || OpenAiFields.IsText(alone, "auto")
                ? names
                : throw new InvalidInferBodyException("tool_choice: there are no tools");
        }

        if (GenerationTools.Problem(tools) is { } problem)
        {
            throw new InvalidInferBodyException(problem);
        }

        // A model that knows of none calls none.
        if (Choice is { } none && OpenAiFields.IsText(none, "none"))
        {
            return names;
        }

        request.Tools = tools;
        Choose(request);
        names.UnionWith(GenerationTools.Functions(tools).Select(f => f.Name));
        return names;
    }

    private void Choose(GenerationRequest request)
    {
        if (Choice is not { } choice || OpenAiFields.IsText(choice, "auto"))
        {
            return;
        }

        request.MustCall = true;
        if (OpenAiFields.IsText(choice, "required"))
        {
            return;
        }

        request.Tool = choice.ValueKind == JsonValueKind.Object
            && choice.TryGetProperty("type"u8, out var type)
            && OpenAiFields.IsText(type, "function")
            && choice.TryGetProperty("function"u8, out var function)
            && function.ValueKind == JsonValueKind.Object
            && function.TryGetProperty("name"u8, out var name)
            && name.ValueKind == JsonValueKind.String
            ? name.GetString()
            : throw new InvalidInferBodyException("tool_choice: none, auto, required, or a function by its name expected");
    }

    /// <summary>The calls of an earlier answer, with their arguments as an object: so chat templates take them.</summary>
    public static JsonElement Calls(JsonElement calls, string where)
    {
        if (calls.ValueKind != JsonValueKind.Array
            || calls.GetArrayLength() is < 1 or > MaxCalls
            || calls.GetRawText().Length > GenerationTools.MaxBytes)
        {
            throw new InvalidInferBodyException(
                $"{where}: an array of 1 to {MaxCalls} calls, and of up to {GenerationTools.MaxBytes} characters, expected");
        }

        var read = new JsonArray();
        foreach (var call in calls.EnumerateArray())
        {
            read.Add((JsonNode)Call(call, $"{where}[{read.Count}]"));
        }

        return JsonSerializer.Deserialize(read.ToJsonString(), ChatJson.Default.JsonElement);
    }

    private static JsonObject Call(JsonElement call, string where)
    {
        if (call.ValueKind != JsonValueKind.Object
            || !call.TryGetProperty("id"u8, out var id)
            || id.ValueKind != JsonValueKind.String
            || !call.TryGetProperty("function"u8, out var function)
            || function.ValueKind != JsonValueKind.Object
            || !function.TryGetProperty("name"u8, out var name)
            || name.ValueKind != JsonValueKind.String
            || !function.TryGetProperty("arguments"u8, out var arguments)
            || arguments.ValueKind != JsonValueKind.String)
        {
            throw new InvalidInferBodyException($"{where}: an id, and a function with its name and arguments, expected");
        }

        JsonNode? given;
        try
        {
            // What several servers answer for a function without parameters.
            given = string.IsNullOrWhiteSpace(arguments.GetString()) ? new JsonObject() : JsonNode.Parse(
                arguments.GetString()!,
                documentOptions: new JsonDocumentOptions { MaxDepth = GenerationTools.MaxDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            given = null;
        }

        return new JsonObject
        {
            ["id"] = id.GetString(),
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = name.GetString(),
                ["arguments"] = given as JsonObject
                    ?? throw new InvalidInferBodyException($"{where}.function.arguments: an object as JSON expected"),
            },
        };
    }
}
