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

    private static readonly int s_longest = Mark.Length + s_beginnings.Max(beginning => beginning.Length);

    /// <summary>An answer's beginning without spaces, with the next piece: as much as <see cref="MayBe"/> takes.</summary>
    public static string Beginning(string before, string piece) =>
        before.Length < s_longest
            ? before + string.Concat(piece.Where(c => !char.IsWhiteSpace(c)).Take(s_longest - before.Length))
            : before;

    /// <summary>Whether an answer that begins so may be such calls.</summary>
    public static bool MayBe(string dense)
    {
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

    // An object that has more is an answer of its own.
    private static bool IsOfCall(JsonProperty field) => field.Name is "type" or "id" or "name" or "parameters" or "arguments";

    private static (string Name, string Arguments)? CallOf(JsonElement call, IReadOnlySet<string> tools) =>
        call.ValueKind == JsonValueKind.Object
        && call.TryGetProperty("name"u8, out var name) && name.ValueKind == JsonValueKind.String && tools.Contains(name.GetString()!)
        && (call.TryGetProperty("parameters"u8, out var arguments) || call.TryGetProperty("arguments"u8, out arguments))
        && arguments.ValueKind == JsonValueKind.Object
        && call.EnumerateObject().All(IsOfCall)
            ? (name.GetString()!, arguments.GetRawText())
            : null;
}
