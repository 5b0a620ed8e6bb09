using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Core.Generation;

/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
public sealed record GenerationMessage(string Role, string Content)
{
    /// <summary>The calls that the model asked for: an array as OpenAI's API has it, but with arguments that are an object.</summary>
    public JsonElement? ToolCalls { get; set; }

    /// <summary>The call that a message of the role <c>tool</c> answers.</summary>
    public string? ToolCallId { get; set; }
}

/// <summary>What a model is to generate: either messages, for its chat template, or a prompt as it is.</summary>
/// <remarks>Settable, not <c>init</c>, as with <see cref="Catalog.ModelSettings"/>.</remarks>
public sealed record GenerationRequest
{
    public const int MaxMessages = 2048;
    public const int MaxStops = 4;
    public const int MaxStopChars = 256;
    public const double MaxTemperature = 2;

    public GenerationMessage[]? Messages { get; set; }

    public string? Prompt { get; set; }

    /// <summary>A prompt as ids of the model's tokens, taken as they are.</summary>
    public int[]? PromptTokens { get; set; }

    /// <summary>Tokens to generate at most; null for what the worker and the context of the model allow.</summary>
    public int? MaxTokens { get; set; }

    /// <summary>0 to 2, 0 for the likeliest token always; null for what the model's <c>genai_config.json</c> says.</summary>
    public double? Temperature { get; set; }

    /// <summary>0 to 1: of the likeliest tokens, as many as have that probability together are drawn from.</summary>
    public double? TopP { get; set; }

    /// <summary>The same seed, request and version draw the same tokens.</summary>
    public long? Seed { get; set; }

    /// <summary>Texts before which an answer ends. Up to 4, each of 1 to 256 characters.</summary>
    public string[] Stop { get; set; } = [];

    /// <summary>The schema that the answer is JSON of; null for any text.</summary>
    public JsonElement? JsonSchema { get; set; }

    /// <summary>Functions for the chat template, as OpenAI's API has them.</summary>
    public JsonElement? Tools { get; set; }

    /// <summary>Whether the answer is a call of a tool, and nothing else.</summary>
    /// <remarks>Left out where it is not: workers of an older build refuse what they do not know.</remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool MustCall { get; set; }

    /// <summary>The one that has to be called; null for any.</summary>
    public string? Tool { get; set; }

    /// <summary>Whether parts of the text are wanted as they come; where the way does not carry them, the whole comes alone.</summary>
    public bool Stream { get; set; }

    /// <summary>What is wrong, beginning with the name of the field; null where nothing is.</summary>
    public string? Problem()
    {
        if ((Messages is null ? 0 : 1) + (Prompt is null ? 0 : 1) + (PromptTokens is null ? 0 : 1) != 1)
        {
            return "messages: either they or a prompt expected";
        }

        if (Messages is { Length: 0 or > MaxMessages })
        {
            return $"messages: {Messages.Length} given, 1 to {MaxMessages} are possible";
        }

        for (var i = 0; i < Messages?.Length; i++)
        {
            if (Messages[i] is not { Role: "system" or "user" or "assistant" or "tool" })
            {
                return $"messages[{i}].role: one of system, user, assistant and tool expected";
            }
        }

        // The engine takes a text to end at its first.
        if (Prompt?.Contains('\0', StringComparison.Ordinal) == true)
        {
            return "prompt: it has the character U+0000, which no model takes";
        }

        if (Array.FindIndex(Messages ?? [], m => m.Content.Contains('\0', StringComparison.Ordinal)) is var with and >= 0)
        {
            return $"messages[{with}].content: it has the character U+0000, which no model takes";
        }

        return MaxTokens < 1 ? $"max_tokens: {MaxTokens} given, 1 or more expected"
            : Temperature is < 0 or > MaxTemperature ? $"temperature: {Temperature} given, 0 to {MaxTemperature} are possible"
            : TopP is < 0 or > 1 ? $"top_p: {TopP} given, 0 to 1 are possible"
            : Stop.Length > MaxStops ? $"stop: {Stop.Length} texts given, up to {MaxStops} are possible"
            : Array.Exists(Stop, s => s is not { Length: >= 1 and <= MaxStopChars }) ? $"stop: a text has 1 to {MaxStopChars} characters"
            : FormProblem();
    }

    private string? FormProblem()
    {
        if (JsonSchema is { } schema && GenerationSchema.Problem(schema) is { } wrong)
        {
            return $"response_format: {wrong}";
        }

        for (var i = 0; i < Messages?.Length; i++)
        {
            if (Messages[i].ToolCalls is { } calls)
            {
                if (calls.ValueKind != JsonValueKind.Array || calls.GetRawText().Length > GenerationTools.MaxBytes)
                {
                    return $"messages[{i}].tool_calls: an array of up to {GenerationTools.MaxBytes} characters expected";
                }

                if (GenerationTools.TooDeepOrWithNul(calls, 0) is { } problem)
                {
                    return $"messages[{i}].tool_calls: {problem}";
                }
            }

            if (Messages[i].ToolCallId?.Contains('\0', StringComparison.Ordinal) == true)
            {
                return $"messages[{i}].tool_call_id: it has the character U+0000, which no model takes";
            }
        }

        if (Tools is not { } tools)
        {
            return MustCall || Tool is not null ? "tool_choice: there are no tools" : null;
        }

        if (Messages is null || JsonSchema is not null)
        {
            return Messages is null ? "tools: only messages can have them" : "response_format: it can't be combined with tools";
        }

        if (GenerationTools.Problem(tools) is { } ofTools)
        {
            return ofTools;
        }

        if (!MustCall)
        {
            return null;
        }

        var functions = GenerationTools.Functions(tools).Where(f => Tool is null || f.Name == Tool).ToList();
        return functions.Count == 0
            ? "tool_choice: it names none of the tools"
            : functions.Select(f => f.Parameters is { } parameters ? GenerationSchema.Problem(parameters) : null)
                .FirstOrDefault(p => p is not null) is { } unfit
                ? $"tool_choice: a tool that has to be called has parameters that can't be followed: {unfit}"
            : functions.Sum(f => f.Parameters?.GetRawText().Length ?? 0) > GenerationSchema.MaxBytes
                ? $"tool_choice: the tools' parameters have more than {GenerationSchema.MaxBytes} characters together: name the one to call"
            : null;
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, GenerationJson.Default.GenerationRequest);

    /// <exception cref="InvalidDataException">It is none; the message is for the caller.</exception>
    public static GenerationRequest Read(ReadOnlySpan<byte> json)
    {
        GenerationRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(json, GenerationJson.Default.GenerationRequest);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"request: {exception.Message}", exception);
        }

        return request is null ? throw new InvalidDataException("request: it is null")
            : request.Problem() is { } problem ? throw new InvalidDataException(problem)
            : request;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GenerationRequest))]
internal sealed partial class GenerationJson : JsonSerializerContext;
