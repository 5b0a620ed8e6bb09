using System.Text.Json;

namespace InferenceTemplate.Core.Generation;

/// <summary>
/// What of JSON Schema an answer can be held to. A schema becomes a grammar while other answers wait for their next token, so what may take
/// long to compile is refused before: patterns, formats and multiples most of all.
/// </summary>
public static class GenerationSchema
{
    public const int MaxBytes = 32 << 10;
    public const int MaxDepth = 16;
    public const int MaxSchemas = 400;
    public const int MaxValues = 1000;
    public const int MaxCount = 1000;

    /// <summary>2^53 - 1, within which clients' schemas keep whole numbers.</summary>
    public const long MaxBound = 9_007_199_254_740_991;

    /// <summary>Digits behind the point of a bound: each is a step of the grammar.</summary>
    public const int MaxDecimals = 9;

    private const int MaxShown = 64;

    private static readonly string[] s_types = ["object", "array", "string", "integer", "number", "boolean", "null"];

    private static readonly string[] s_besideAlternatives =
        ["type", "title", "description", "default", "examples", "$schema", "$comment", "$defs", "definitions"];

    /// <summary>What is wrong; null where nothing is.</summary>
    /// <exception cref="InvalidOperationException">A text within is half of a surrogate pair.</exception>
    public static string? Problem(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return "a schema is an object";
        }

        var (schemas, values) = (0, 0);
        return schema.GetRawText().Length > MaxBytes
            ? $"the schema has more than {MaxBytes} characters"
            : OfSchema(schema, 1, ref schemas, ref values) ?? GenerationTools.TooDeepOrWithNul(schema, 0);
    }

    private static string? OfSchema(JsonElement schema, int depth, ref int schemas, ref int values)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return null;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            return "a schema is an object";
        }

        if (depth > MaxDepth)
        {
            return $"the schema is nested more than {MaxDepth} deep";
        }

        if (++schemas > MaxSchemas)
        {
            return $"the schema has more than {MaxSchemas} schemas within it, one for each property";
        }

        if (Multiplied(schema) is { } beside)
        {
            return beside;
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            if (OfKeyword(keyword.Name, keyword.Value, depth, ref schemas, ref values) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    // What stands beside alternatives is combined with each of them, and theirs with each of its own: a schema of a few kilobytes would be
    // a grammar of seconds.
    private static string? Multiplied(JsonElement schema)
    {
        var alternatives = schema.TryGetProperty("anyOf"u8, out _) ? "anyOf" : schema.TryGetProperty("$ref"u8, out _) ? "$ref" : null;
        return alternatives is null
            || schema.EnumerateObject().Select(keyword => keyword.Name).FirstOrDefault(
                name => name != alternatives && !s_besideAlternatives.Contains(name, StringComparer.Ordinal)) is not { } other
            ? null
            : $"{alternatives}: '{Shown(other)}' can't stand beside it; put it within";
    }

    private static string? OfKeyword(string name, JsonElement value, int depth, ref int schemas, ref int values)
    {
        switch (name)
        {
            case "title" or "description" or "default" or "examples" or "$schema" or "$comment":
                return null;
            case "type":
                return IsType(value) || (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(IsType))
                    ? null
                    : $"type: one of {string.Join(", ", s_types)}, or an array of them expected";
            case "properties" or "$defs" or "definitions":
                return value.ValueKind == JsonValueKind.Object
                    ? OfAll(value.EnumerateObject().Select(p => p.Value), depth, ref schemas, ref values)
                    : $"{name}: an object expected";
            case "anyOf":
                return value.ValueKind == JsonValueKind.Array
                    ? OfAll(value.EnumerateArray(), depth, ref schemas, ref values)
                    : "anyOf: an array expected";
            case "items" or "additionalProperties":
                return OfSchema(value, depth + 1, ref schemas, ref values);
            case "required":
                return value.ValueKind == JsonValueKind.Array
                    && value.GetArrayLength() <= MaxSchemas
                    && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String)
                    ? null
                    : "required: an array of names expected";
            case "enum":
                values += value.ValueKind == JsonValueKind.Array ? value.GetArrayLength() : 0;
                return value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0 ? "enum: an array of values expected"
                    : values > MaxValues ? $"enum: more than {MaxValues} values in the schema"
                    : null;
            case "const":
                return null;
            case "$ref":
                return value.ValueKind == JsonValueKind.String && value.GetString() is ['#', ..]
                    ? null
                    : "$ref: only what is in the same schema can be referred to, such as #/$defs/name";
            case "minItems" or "maxItems" or "minLength" or "maxLength":
                return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count is >= 0 and <= MaxCount
                    ? null
                    : $"{name}: 0 to {MaxCount} expected";
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                return IsBound(value) ? null : $"{name}: a number from -{MaxBound} to {MaxBound} with up to {MaxDecimals} decimals expected";
            default:
                return $"'{Shown(name)}' is not supported in schemas";
        }
    }

    private static string? OfAll(IEnumerable<JsonElement> within, int depth, ref int schemas, ref int values)
    {
        foreach (var schema in within)
        {
            if (OfSchema(schema, depth + 1, ref schemas, ref values) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    // What a decimal does not hold as the number that it is, such as 1e-300, is none.
    private static bool IsBound(JsonElement value) => value.ValueKind == JsonValueKind.Number
        && value.TryGetDecimal(out var bound)
        && Math.Abs(bound) <= MaxBound
        && decimal.Round(bound, MaxDecimals) == bound
        && (bound != 0 || value.GetDouble() == 0);

    private static bool IsType(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && s_types.Contains(value.GetString(), StringComparer.Ordinal);

    private static string Shown(string name) =>
        string.Concat(name.Take(MaxShown).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
