using System.Globalization;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Api.Chat;

/// <summary>A request for text as OpenAI's clients send it.</summary>
/// <param name="IncludeUsage">Whether the last event of a stream has the usage.</param>
/// <param name="Tools">Names of the functions that the answer may call; empty where it is text.</param>
internal readonly record struct TextRequest(string Model, GenerationRequest Generation, bool IncludeUsage, CallableTools Tools);

/// <summary>Reads requests field by field, and passes over none that would change the answer: <see cref="OpenAiFields"/>.</summary>
internal static class ChatReader
{
    private const int DefaultCompletion = 16;

    /// <exception cref="InvalidInferBodyException">It is none; the message begins with the field that is wrong.</exception>
    public static TextRequest Read(JsonElement body, bool chat)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInferBodyException("the body can't be read: an object expected");
        }

        try
        {
            return ReadFields(body, chat);
        }
        catch (InvalidOperationException)
        {
            throw new InvalidInferBodyException("the body can't be read: a name or a text is not UTF-8, or has half a surrogate pair");
        }
    }

    private static TextRequest ReadFields(JsonElement body, bool chat)
    {
        string? model = null;
        int? maxCompletion = null;
        var usage = false;
        var tools = new ToolChoice();
        var request = new GenerationRequest();
        foreach (var field in body.EnumerateObject())
        {
            var (name, value) = (field.Name, field.Value);
            if (OpenAiFields.IsPassedOver(name, value))
            {
                continue;
            }

            switch (name)
            {
                case "model":
                    model = Text(name, value);
                    break;
                case "messages" when chat:
                    request.Messages = Messages(value);
                    break;
                case "prompt" when !chat:
                    (request.Prompt, request.PromptTokens) = Prompt(value);
                    break;
                case "max_tokens":
                    request.MaxTokens = Count(name, value);
                    break;
                case "max_completion_tokens" when chat:
                    maxCompletion = Count(name, value);
                    break;
                case "temperature":
                    request.Temperature = Number(name, value);
                    break;
                case "top_p":
                    request.TopP = Number(name, value);
                    break;
                case "seed":
                    request.Seed = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seed)
                        ? seed
                        : throw new InvalidInferBodyException("seed: a whole number of 64 bits expected");
                    break;
                case "stop":
                    request.Stop = Stop(value);
                    break;
                case "stream":
                    request.Stream = Flag(name, value);
                    break;
                case "stream_options":
                    usage = IncludesUsage(value);
                    break;
                case "tools" when chat:
                    tools.Tools = value;
                    break;
                case "tool_choice" when chat:
                    tools.Choice = value;
                    break;
                case "parallel_tool_calls" when chat:
                    tools.Parallel = Flag(name, value);
                    break;
                case "response_format" when chat:
                    request.JsonSchema = ResponseFormat.Read(value);
                    break;
                default:
                    RefuseUnlessNeutral(name, value);
                    break;
            }
        }

        if (maxCompletion is not null && request.MaxTokens is not null && maxCompletion != request.MaxTokens)
        {
            throw new InvalidInferBodyException("max_completion_tokens: another number than max_tokens, which is the same");
        }

        // A prompt that is gone on with has no end of its own: so OpenAI's clients expect it.
        request.MaxTokens ??= maxCompletion ?? (chat ? null : DefaultCompletion);
        if (model is null || (chat ? request.Messages is null : (request.Prompt, request.PromptTokens) is (null, null)))
        {
            throw new InvalidInferBodyException($"{(model is null ? "model" : chat ? "messages" : "prompt")}: it is missing");
        }

        var names = tools.Apply(request);
        return request.Problem() is { } problem
            ? throw new InvalidInferBodyException(problem)
            : new TextRequest(model, request, usage, names);
    }

    private static GenerationMessage[] Messages(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() is < 1 or > GenerationRequest.MaxMessages)
        {
            throw new InvalidInferBodyException($"messages: an array of 1 to {GenerationRequest.MaxMessages} messages expected");
        }

        return [.. messages.EnumerateArray().Select(
            (message, i) => Message(message, $"messages[{i.ToString(CultureInfo.InvariantCulture)}]"))];
    }

    private static GenerationMessage Message(JsonElement message, string where)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInferBodyException($"{where}: an object expected");
        }

        string? role = null;
        string? content = null;
        JsonElement? calls = null;
        string? call = null;
        foreach (var field in message.EnumerateObject().Where(f => f.Value.ValueKind != JsonValueKind.Null))
        {
            switch (field.Name)
            {
                case "role":
                    role = Text($"{where}.role", field.Value);
                    break;
                case "content":
                    content = Content(field.Value, $"{where}.content");
                    break;
                case "tool_calls" or "annotations" when field.Value.ValueKind == JsonValueKind.Array && field.Value.GetArrayLength() == 0:
                    break;
                case "tool_calls":
                    calls = ToolChoice.Calls(field.Value, $"{where}.tool_calls");
                    break;
                case "tool_call_id":
                    call = Text($"{where}.tool_call_id", field.Value);
                    break;
                case "function_call" or "audio":
                    throw OpenAiFields.Unsupported($"{where}.{field.Name}");

                // Names of who speaks, and what other servers put into the answers that clients send back.
                default:
                    break;
            }
        }

        if (calls is not null && role != "assistant")
        {
            throw new InvalidInferBodyException($"{where}.tool_calls: only messages of the role assistant have them");
        }

        return role switch
        {
            // A turn of thoughts alone has no content, and clients send it back as it came.
            "assistant" => new GenerationMessage(role, content ?? "") { ToolCalls = calls },
            "tool" => new GenerationMessage(role, content ?? throw new InvalidInferBodyException($"{where}.content: it is missing"))
            {
                ToolCallId = call ?? throw new InvalidInferBodyException($"{where}.tool_call_id: it is missing"),
            },
            null => throw new InvalidInferBodyException($"{where}.role: it is missing"),
            "system" or "user" or "developer" => new GenerationMessage(
                role == "developer" ? "system" : role,
                content ?? throw new InvalidInferBodyException($"{where}.content: it is missing")),
            _ => throw new InvalidInferBodyException(
                $"{where}.role: '{OpenAiFields.Shown(role)}' given; system, developer, user, assistant and tool are supported"),
        };
    }

    private static string Content(JsonElement content, string where)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            return content.GetString()!;
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidInferBodyException($"{where}: a text or an array of parts expected");
        }

        var text = new StringBuilder();
        var i = 0;
        foreach (var part in content.EnumerateArray())
        {
            var place = $"{where}[{i.ToString(CultureInfo.InvariantCulture)}]";
            i++;
            if (part.ValueKind != JsonValueKind.Object
                || !part.TryGetProperty("type"u8, out var type)
                || type.ValueKind != JsonValueKind.String)
            {
                throw new InvalidInferBodyException($"{place}: an object with a type expected");
            }

            if (!type.ValueEquals("text"u8) || !part.TryGetProperty("text"u8, out var value))
            {
                throw new InvalidInferBodyException(
                    $"{place}.type: '{OpenAiFields.Shown(type.GetString()!)}' given; only text is supported");
            }

            text.Append(Text($"{place}.text", value));
        }

        return text.ToString();
    }

    // One may stand in an array of its own.
    private static (string? Text, int[]? Tokens) Prompt(JsonElement prompt)
    {
        var only = prompt.ValueKind == JsonValueKind.Array && prompt.GetArrayLength() == 1 && prompt[0].ValueKind != JsonValueKind.Number
            ? prompt[0]
            : prompt;
        return only.ValueKind switch
        {
            JsonValueKind.String => (only.GetString(), null),
            JsonValueKind.Array when only.EnumerateArray().All(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out _)) =>
                (null, [.. only.EnumerateArray().Select(id => id.GetInt32())]),
            _ => throw new InvalidInferBodyException(
                "prompt: one text, or an array of ids of the model's tokens, expected; several prompts are not supported"),
        };
    }

    private static string[] Stop(JsonElement stop) => stop.ValueKind switch
    {
        JsonValueKind.String => [stop.GetString()!],
        JsonValueKind.Array when stop.GetArrayLength() <= GenerationRequest.MaxStops =>
            [.. stop.EnumerateArray().Select(text => Text("stop", text))],
        _ => throw new InvalidInferBodyException($"stop: a text or an array of up to {GenerationRequest.MaxStops} texts expected"),
    };

    private static bool IncludesUsage(JsonElement options)
    {
        if (options.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidInferBodyException("stream_options: an object expected");
        }

        var usage = false;
        foreach (var option in options.EnumerateObject().Where(o => o.Value.ValueKind != JsonValueKind.Null))
        {
            usage = option.Name switch
            {
                "include_usage" => Flag("stream_options.include_usage", option.Value),

                // Padding against who listens; none is added.
                "include_obfuscation" => usage,
                "continuous_usage_stats" when option.Value.ValueKind == JsonValueKind.False => usage,
                _ => throw OpenAiFields.Unsupported($"stream_options.{OpenAiFields.Shown(option.Name)}"),
            };
        }

        return usage;
    }

    private static void RefuseUnlessNeutral(string name, JsonElement value)
    {
        var neutral = name switch
        {
            "n" or "best_of" or "repetition_penalty" or "length_penalty" => OpenAiFields.IsNumber(value, 1),
            "frequency_penalty" or "presence_penalty" or "top_logprobs" or "min_tokens" or "min_p" => OpenAiFields.IsNumber(value, 0),

            // vLLM and its like: all tokens.
            "top_k" => OpenAiFields.IsNumber(value, -1) || OpenAiFields.IsNumber(value, 0),
            "verbosity" => OpenAiFields.IsText(value, "medium"),
            "reasoning_effort" => OpenAiFields.IsText(value, "none"),
            "logprobs" or "echo" or "ignore_eos" or "use_beam_search" => value.ValueKind == JsonValueKind.False,
            "skip_special_tokens" => value.ValueKind == JsonValueKind.True,
            "logit_bias" => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any(),
            "functions" => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0,
            "function_call" => OpenAiFields.IsText(value, "none") || OpenAiFields.IsText(value, "auto"),
            "suffix" => OpenAiFields.IsText(value, ""),
            "modalities" => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(m => OpenAiFields.IsText(m, "text")),
            _ => false,
        };
        if (!neutral)
        {
            throw OpenAiFields.Unsupported(OpenAiFields.Shown(name));
        }
    }

    private static string Text(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new InvalidInferBodyException($"{name}: a text expected");

    private static bool Flag(string name, JsonElement value) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw new InvalidInferBodyException($"{name}: true or false expected");

    private static double Number(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw new InvalidInferBodyException($"{name}: a number expected");

    private static int Count(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 1
            ? count
            : throw new InvalidInferBodyException($"{name}: a whole number of 1 or more expected");
}
