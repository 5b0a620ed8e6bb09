using System.Text;
using System.Text.Json;

namespace InferenceTemplate.Api.Chat;

/// <summary>
/// Answers that are calls and nothing else, as Llama writes them, <c>{"name": ..., "parameters": {...}}</c> with semicolons between, and
/// Mistral, <c>[TOOL_CALLS][{"name": ..., "arguments": {...}}]</c>. Their marks are special tokens, of which the text has none as a rule.
/// </summary>
internal static class BareCalls
{
    private const string Mark = "[TOOL_CALLS]";

    private static readonly string[] s_beginnings =
        ["{\"name\":\"", "[{\"name\":\"", "{\"type\":\"function\"", "[{\"type\":\"function\""];

    /// <summary>Whether an answer that begins so may be such calls.</summary>
    public static bool MayBe(string text)
    {
        var dense = string.Concat(text.Where(c => !char.IsWhiteSpace(c)).Take(Mark.Length + s_beginnings[^1].Length));
        if (dense.StartsWith(Mark, StringComparison.Ordinal))
        {
            dense = dense[Mark.Length..];
        }

        return Agree(dense, Mark) || Array.Exists(s_beginnings, beginning => Agree(dense, beginning));
    }

    /// <summary>The names and arguments of a whole answer's calls; null where it is anything else.</summary>
    public static List<(string Name, string Arguments)>? Read(string text, IReadOnlySet<string> tools)
    {
        text = text.Trim();
        var json = Encoding.UTF8.GetBytes(text.StartsWith(Mark, StringComparison.Ordinal) ? text[Mark.Length..] : text);
        List<(string, string)> calls = [];
        try
        {
            for (var at = 0; at < json.Length;)
            {
                var reader = new Utf8JsonReader(json.AsSpan(at), new JsonReaderOptions { AllowMultipleValues = true });
                using var value = JsonDocument.ParseValue(ref reader);
                foreach (var call in value.RootElement.ValueKind == JsonValueKind.Array
                    ? [.. value.RootElement.EnumerateArray()]
                    : (JsonElement[])[value.RootElement])
                {
                    if (CallOf(call, tools) is not { } one)
                    {
                        return null;
                    }

                    calls.Add(one);
                }

                at += (int)reader.BytesConsumed;
                while (at < json.Length && json[at] is (byte)';' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                {
                    at++;
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }

        return calls.Count > 0 ? calls : null;
    }

    // Whether one is the other's beginning.
    private static bool Agree(string one, string other) =>
        one.StartsWith(other, StringComparison.Ordinal) || other.StartsWith(one, StringComparison.Ordinal);

    private static (string Name, string Arguments)? CallOf(JsonElement call, IReadOnlySet<string> tools) =>
        call.ValueKind == JsonValueKind.Object
        && call.TryGetProperty("name"u8, out var name) && name.ValueKind == JsonValueKind.String && tools.Contains(name.GetString()!)
        && (call.TryGetProperty("parameters"u8, out var arguments) || call.TryGetProperty("arguments"u8, out arguments))
        && arguments.ValueKind == JsonValueKind.Object
            ? (name.GetString()!, arguments.GetRawText())
            : null;
}
