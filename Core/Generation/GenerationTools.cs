using System.Text.Json;
using System.Text.RegularExpressions;

namespace InferenceTemplate.Core.Generation;

/// <summary>The functions that a model may ask its caller to call, as OpenAI's API has them, and how a model writes such a call.</summary>
public static partial class GenerationTools
{
    public const int MaxTools = 128;
    public const int MaxBytes = 64 << 10;
    public const int MaxDepth = 24;

    /// <summary>As Qwen, Hermes and their kin write calls; between them is an object of <c>name</c> and <c>arguments</c>.</summary>
    public const string Open = "<tool_call>";

    public const string Close = "</tool_call>";

    /// <summary>What is wrong, beginning with the name of the field; null where nothing is.</summary>
    public static string? Problem(JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array || tools.GetArrayLength() is < 1 or > MaxTools)
        {
            return $"tools: an array of 1 to {MaxTools} functions expected";
        }

        if (tools.GetRawText().Length > MaxBytes)
        {
            return $"tools: they have more than {MaxBytes} characters";
        }

        if (TooDeepOrWithNul(tools, 0) is { } problem)
        {
            return $"tools: {problem}";
        }

        var i = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            var where = $"tools[{i++}]";
            if (tool.ValueKind != JsonValueKind.Object
                || !tool.TryGetProperty("type"u8, out var type)
                || type.ValueKind != JsonValueKind.String
                || !type.ValueEquals("function"u8)
                || !tool.TryGetProperty("function"u8, out var function)
                || function.ValueKind != JsonValueKind.Object)
            {
                return $"{where}: a type of 'function', and a function, expected";
            }

            if (!function.TryGetProperty("name"u8, out var name) || name.ValueKind != JsonValueKind.String || !IsName(name.GetString()!))
            {
                return $"{where}.function.name: 1 to 64 letters, digits, '_' and '-' expected";
            }

            if (function.TryGetProperty("parameters"u8, out var parameters)
                && parameters.ValueKind != JsonValueKind.Null
                && (parameters.ValueKind != JsonValueKind.Object
                    || (parameters.TryGetProperty("type"u8, out var of)
                        && (of.ValueKind != JsonValueKind.String || !of.ValueEquals("object"u8)))))
            {
                return $"{where}.function.parameters: a schema of type object expected";
            }
        }

        return null;
    }

    /// <summary>The functions' names, and the schemas of their arguments; null where one takes whatever comes.</summary>
    public static IEnumerable<(string Name, JsonElement? Parameters)> Functions(JsonElement tools) =>
        tools.EnumerateArray().Select(tool => tool.GetProperty("function"u8)).Select(function => (
            function.GetProperty("name"u8).GetString()!,
            function.TryGetProperty("parameters"u8, out var parameters) && parameters.ValueKind != JsonValueKind.Null
                ? parameters
                : (JsonElement?)null));

    public static bool IsName(string name) => Name().IsMatch(name);

    /// <summary>What keeps a document from being given to a chat template; null where nothing does.</summary>
    public static string? TooDeepOrWithNul(JsonElement element, int depth)
    {
        if (depth > MaxDepth)
        {
            return $"nested more than {MaxDepth} deep";
        }

        return element.ValueKind switch
        {
            JsonValueKind.String when element.GetString()!.Contains('\0', StringComparison.Ordinal) =>
                "the character U+0000, which no model takes",
            JsonValueKind.Array => element.EnumerateArray().Select(e => TooDeepOrWithNul(e, depth + 1)).FirstOrDefault(p => p is not null),
            JsonValueKind.Object => element.EnumerateObject()
                .Select(p => p.Name.Contains('\0', StringComparison.Ordinal)
                    ? "the character U+0000, which no model takes"
                    : TooDeepOrWithNul(p.Value, depth + 1))
                .FirstOrDefault(p => p is not null),
            _ => null,
        };
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,64}\\z", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Name();
}
