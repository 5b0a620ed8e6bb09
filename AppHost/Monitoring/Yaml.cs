using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Monitoring;

/// <summary>Writes a mapping as YAML, in which braces are only braces: TemplateWriter takes them for templates of Helm.</summary>
internal static partial class Yaml
{
    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(Map written) => string.Concat(Lines(JsonSerializer.SerializeToNode(written)!).Select(line => line + "\n"));

    private static IEnumerable<string> Lines(JsonNode node) => node switch
    {
        JsonObject mapping => mapping.SelectMany(entry => Entry(Scalar(entry.Key), entry.Value!)),
        JsonArray sequence => sequence.SelectMany(item => Item(item!)),
        _ => [Value(node)],
    };

    private static IEnumerable<string> Entry(string key, JsonNode value) => value switch
    {
        JsonObject { Count: > 0 } or JsonArray { Count: > 0 } => [$"{key}:", .. Lines(value).Select(Indent)],
        JsonValue text when text.GetValueKind() == JsonValueKind.String
            && text.GetValue<string>().Contains('\n', StringComparison.Ordinal) =>
            [$"{key}: |-", .. text.GetValue<string>().TrimEnd('\n').Split('\n').Select(Indent)],
        _ => [$"{key}: {Value(value)}"],
    };

    private static IEnumerable<string> Item(JsonNode item) =>
        item is JsonObject or JsonArray ? Lines(item).Select((line, i) => (i == 0 ? "- " : "  ") + line) : [$"- {Value(item)}"];

    private static string Value(JsonNode value) => value switch
    {
        JsonObject => "{}",
        JsonArray => "[]",
        _ when value.GetValueKind() == JsonValueKind.String => Scalar(value.GetValue<string>()),
        _ => value.ToJsonString(),
    };

    private static string Indent(string line) => line.Length == 0 ? line : $"  {line}";

    // Whatever YAML could take for something else is quoted; in single quotes, where a query's own need no escape.
    private static string Scalar(string text) =>
        Plain().IsMatch(text) ? text
        : text.Contains('"', StringComparison.Ordinal) && !text.Contains('\n', StringComparison.Ordinal)
            ? $"'{text.Replace("'", "''", StringComparison.Ordinal)}'"
        : JsonSerializer.Serialize(text, s_readable);

    [GeneratedRegex("^(?!(true|false|yes|no|on|off|null|y|n)$)([A-Za-z/][A-Za-z0-9._/-]*|[0-9]+[smhd])$",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Plain();
}
