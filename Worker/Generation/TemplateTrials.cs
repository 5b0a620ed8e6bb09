using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Generation;

/// <summary>Conversations that a chat template is tried on before callers may bring theirs: it may do another thing with each.</summary>
internal static class TemplateTrials
{
    private const int LongConversation = 64;

    private static readonly JsonElement s_tools = Parse("""
        [{"type":"function","function":{"name":"a","description":"a",
          "parameters":{"type":"object","properties":{"b":{"type":"string"}}}}}]
        """);

    private static readonly JsonElement s_calls = Parse(
        """[{"id":"a","type":"function","function":{"name":"a","arguments":{"b":"c"}}}]""");

    /// <exception cref="ModelRefusedException">It takes too long, or too much memory.</exception>
    public static void Try(GenerationModel model)
    {
        GenerationMessage[] turns =
            [.. Enumerable.Range(0, LongConversation).Select(i => new GenerationMessage(i % 2 == 0 ? "user" : "assistant", Text(i)))];
        GenerationMessage[] called =
        [
            .. turns[..1], new GenerationMessage("assistant", "") { ToolCalls = s_calls },
            new GenerationMessage("tool", "c") { ToolCallId = "a" },
        ];
        Try(model, "a message", turns[..1]);
        Try(model, "two messages of one role", [turns[0], turns[0]]);
        Try(model, "a conversation", turns[..3]);
        Try(model, "a conversation that a system message begins", [new("system", "a"), .. turns[..3]]);
        Try(model, "a conversation of many messages", turns);
        Try(model, "a long message", [new("user", string.Join(' ', Enumerable.Range(0, 4096).Select(Text)))]);
        Try(model, "tools", turns[..1], s_tools);
        Try(model, "tools and the result of a call", called, s_tools);
    }

    private static void Try(GenerationModel model, string what, GenerationMessage[] messages, JsonElement? tools = null)
    {
        if (model.TryTemplate(messages, tools) is { } problem)
        {
            throw new ModelRefusedException($"its chat template {problem}, given {what}");
        }
    }

    private static string Text(int i) => i.ToString(CultureInfo.InvariantCulture);

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
