using System.Text.Json.Nodes;

namespace InferenceTemplate.Tests.Deploy.Rendering;

/// <summary>Ways through objects in which anything may be missing.</summary>
internal static class Json
{
    /// <summary>What stands at a path, or null where there is nothing.</summary>
    public static JsonNode? At(this JsonNode? node, params string[] path) =>
        path.Aggregate(node, (inner, name) => (inner as JsonObject)?[name]);

    /// <summary>The scalar at a path as text; empty where there is none.</summary>
    public static string Text(this JsonNode? node, params string[] path) => node.At(path) is JsonValue value ? value.ToString() : "";

    /// <summary>The number at a path; null where there is none.</summary>
    public static long? Number(this JsonNode? node, params string[] path) =>
        node.At(path) is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    public static bool IsTrue(this JsonNode? node, params string[] path) => node.Text(path) == "true";

    public static bool IsFalse(this JsonNode? node, params string[] path) => node.Text(path) == "false";

    /// <summary>The items at a path; none where there are none.</summary>
    public static IEnumerable<JsonNode> Items(this JsonNode? node, params string[] path) =>
        node.At(path) is JsonArray items ? items.OfType<JsonNode>() : [];

    /// <summary>The entries at a path whose values are scalars.</summary>
    public static IReadOnlyDictionary<string, string> Entries(this JsonNode? node, params string[] path) =>
        (node.At(path) as JsonObject ?? []).ToDictionary(entry => entry.Key, entry => entry.Value.Text());
}
