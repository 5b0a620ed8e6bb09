using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.Chat;

// For documents only: requests are read, and answers written, field by field.

/// <param name="Model">A model that generates text, or <c>model:version</c>; the version may be an alias.</param>
/// <param name="MaxTokens">Tokens to generate at most; <c>max_completion_tokens</c> is the same.</param>
/// <param name="Temperature">0 to 2, 0 for the likeliest token always; absent for what the model's configuration says.</param>
/// <param name="Seed">The same seed draws the same tokens again.</param>
/// <param name="Stop">A text, or up to 4 of them, before which the answer ends.</param>
/// <param name="Stream">Whether the answer comes in parts, as events.</param>
/// <param name="ResponseFormat">Of type <c>text</c>, <c>json_object</c> or <c>json_schema</c>.</param>
/// <param name="Tools">Up to 128 functions that the model may ask to have called.</param>
/// <param name="ToolChoice"><c>none</c>, <c>auto</c>, <c>required</c>, or a function by its name.</param>
internal sealed record ChatRequest(
    string Model, ChatMessage[] Messages, int? MaxTokens = null, int? MaxCompletionTokens = null, double? Temperature = null,
    double? TopP = null, long? Seed = null, JsonElement? Stop = null, bool Stream = false, ChatStreamOptions? StreamOptions = null,
    JsonElement? ResponseFormat = null, JsonElement? Tools = null, JsonElement? ToolChoice = null);

/// <param name="Role"><c>system</c>, <c>developer</c> (the same), <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
/// <param name="Content">A text, or an array of parts of type <c>text</c>.</param>
/// <param name="ToolCalls">Of an assistant: the calls of an earlier answer.</param>
/// <param name="ToolCallId">Of a tool: the call that it answers.</param>
internal sealed record ChatMessage(string Role, JsonElement Content, ChatToolCall[]? ToolCalls = null, string? ToolCallId = null);

internal sealed record ChatToolCall(string Id, string Type, ChatFunctionCall Function);

/// <param name="Arguments">An object, as JSON.</param>
internal sealed record ChatFunctionCall(string Name, string Arguments);

/// <param name="IncludeUsage">Whether the last event has the usage.</param>
internal sealed record ChatStreamOptions(bool IncludeUsage);

/// <param name="Prompt">A text, or ids of the model's tokens, which it goes on with as they are.</param>
internal sealed record CompletionRequest(
    string Model, JsonElement Prompt, int? MaxTokens = null, double? Temperature = null, double? TopP = null, long? Seed = null,
    JsonElement? Stop = null, bool Stream = false, ChatStreamOptions? StreamOptions = null);

/// <param name="Model">The version that answered: <c>model:version</c>.</param>
internal sealed record ChatAnswer(string Id, string Object, long Created, string Model, ChatChoice[] Choices, TokenUsage Usage);

/// <param name="FinishReason"><c>stop</c>, <c>tool_calls</c>, or <c>length</c> where as many tokens were generated as may be.</param>
internal sealed record ChatChoice(int Index, ChatText Message, string FinishReason);

internal sealed record ChatText(string Role, string? Content, ChatToolCall[]? ToolCalls = null);

/// <param name="Model">The version that answered: <c>model:version</c>.</param>
internal sealed record CompletionAnswer(
    string Id, string Object, long Created, string Model, CompletionChoice[] Choices, TokenUsage Usage);

internal sealed record CompletionChoice(int Index, string Text, string FinishReason);

internal sealed record TokenUsage(long PromptTokens, long CompletionTokens, long TotalTokens);

[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(CompletionRequest))]
[JsonSerializable(typeof(ChatAnswer))]
[JsonSerializable(typeof(CompletionAnswer))]
internal sealed partial class ChatJson : JsonSerializerContext;
