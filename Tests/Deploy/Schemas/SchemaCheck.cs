using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Schemas;

/// <summary>
/// As much of JSON Schema as the schemas of Kubernetes, Prometheus and Grafana use. A keyword that is not known here is an error, so that
/// none is passed over.
/// </summary>
/// <param name="load">Reads a file of schemas.</param>
/// <param name="strict">Whether an object whose schema lists its members has no others, though it does not say so.</param>
internal sealed class SchemaCheck(Func<string, JsonNode> load, bool strict)
{
    private static readonly HashSet<string> s_annotations = new(StringComparer.Ordinal)
    {
        "$schema", "$id", "$comment", "description", "title", "default", "example", "examples", "format", "definitions", "nullable",
        "deprecated", "x-deprecation-message", "required", "properties", "patternProperties", "then",
        "discriminator", // of unions
    };

    public IEnumerable<string> Errors(JsonNode? value, JsonNode schema, string file, string place)
    {
        if (schema is not JsonObject keywords)
        {
            return schema.GetValue<bool>() ? [] : [$"{place}: not allowed"];
        }

        if (value is null && keywords.At("nullable").IsTrue())
        {
            return [];
        }

        // These leave the kind of value open.
        return keywords.ContainsKey("x-kubernetes-int-or-string")
            ? IntegerOrText(value, place)
            : keywords.SelectMany(keyword => Keyword(keyword.Key, keyword.Value!, keywords, value, file, place));
    }

    private IEnumerable<string> Keyword(
        string keyword, JsonNode rule, JsonObject schema, JsonNode? value, string file, string place) => keyword switch
        {
            "$ref" => Reference(rule.GetValue<string>(), value, file, place),
            "type" => Types(rule).Any(type => Is(type, value)) ? [] : [$"{place}: is {Kind(value)}, must be {rule}"],
            "enum" => rule.AsArray().Any(allowed => JsonNode.DeepEquals(allowed, value))
                ? []
                : [$"{place}: '{value}' is none of {rule.ToJsonString()}"],
            "const" => JsonNode.DeepEquals(rule, value) ? [] : [$"{place}: must be {rule}"],
            "items" when value is JsonArray items && rule is JsonArray places =>
                items.Take(places.Count).SelectMany((item, i) => Errors(item, places[i]!, file, $"{place}[{i}]")),
            "additionalItems" => value is JsonArray items && schema["items"] is JsonArray places
                ? items.Skip(places.Count).SelectMany((item, i) => Errors(item, rule, file, $"{place}[{places.Count + i}]"))
                : [],
            "items" when value is JsonArray items => items.SelectMany((item, i) => Errors(item, rule, file, $"{place}[{i}]")),
            "additionalProperties" or "items" when value is not JsonObject || keyword == "items" => [],
            "additionalProperties" =>
                Others(schema, value!.AsObject()).SelectMany(member => Errors(member.Value, rule, file, $"{place}.{member.Key}")),
            "properties" when value is JsonObject members => Members(rule.AsObject(), schema, members, file, place),
            "patternProperties" when value is JsonObject members => rule.AsObject().SelectMany(pattern =>
                members.Where(member => Matches(member.Key, pattern.Key))
                    .SelectMany(member => Errors(member.Value, pattern.Value!, file, $"{place}.{member.Key}"))),
            "if" when !Errors(value, rule, file, place).Any() => schema["then"] is { } then ? Errors(value, then, file, place) : [],
            "if" => [],
            "propertyNames" when value is JsonObject members => members.SelectMany(member => Errors(member.Key, rule, file, $"{place}.{member.Key}")),
            "propertyNames" => [],
            "required" when value is JsonObject members =>
                rule.AsArray().Where(name => members[name!.GetValue<string>()] is null).Select(name => $"{place}: has no {name}"),
            "allOf" => rule.AsArray().SelectMany(part => Errors(value, part!, file, place)),
            "anyOf" => rule.AsArray().Any(part => !Errors(value, part!, file, place).Any()) ? [] : [$"{place}: fits none of the forms"],
            "oneOf" => rule.AsArray().Count(part => !Errors(value, part!, file, place).Any()) == 1
                ? []
                : [$"{place}: does not fit exactly one of the forms"],
            "not" => Errors(value, rule, file, place).Any() ? [] : [$"{place}: has the form that it must not have"],
            "pattern" => value is not JsonValue text || Matches(text.ToString(), rule.GetValue<string>()) ? []
                : [$"{place}: '{text}' does not match {rule}"],
            "minLength" or "maxLength" => Bound(keyword, Kind(value) == "string" ? value!.GetValue<string>().Length : null, rule, place),
            "minItems" or "maxItems" => Bound(keyword, (value as JsonArray)?.Count, rule, place),
            "minProperties" or "maxProperties" => Bound(keyword, (value as JsonObject)?.Count, rule, place),
            "minimum" or "maximum" => Bound(keyword, Kind(value) is "integer" or "number" ? Number(value!) : null, rule, place),
            "exclusiveMinimum" or "exclusiveMaximum" when Kind(value) is "integer" or "number" =>
                keyword.EndsWith("Minimum", StringComparison.Ordinal) == Number(value!) > Number(rule) ? []
                    : [$"{place}: {value} is beyond the {keyword} of {rule}"],
            "exclusiveMinimum" or "exclusiveMaximum" => [],
            _ when s_annotations.Contains(keyword) || keyword.StartsWith("x-kubernetes-", StringComparison.Ordinal) => [],
            _ => [$"{place}: its schema has the keyword '{keyword}', which is not known here"],
        };

    private IEnumerable<string> Members(
        JsonObject known, JsonObject schema, JsonObject members, string file, string place) => members.SelectMany(member =>
        known[member.Key] is { } rule ? Errors(member.Value, rule, file, $"{place}.{member.Key}")
        : !strict || schema.ContainsKey("additionalProperties") || schema.ContainsKey("x-kubernetes-preserve-unknown-fields") ? []
        : new[] { $"{place}: has the unknown member {member.Key}" });

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Others(JsonObject schema, JsonObject members) =>
        members.Where(member =>
            schema["properties"]?[member.Key] is null && !Patterns(schema).Any(pattern => Matches(member.Key, pattern)));

    private static IEnumerable<string> Patterns(JsonObject schema) =>
        schema["patternProperties"] is JsonObject patterns ? patterns.Select(pattern => pattern.Key) : [];

    private IEnumerable<string> Reference(string reference, JsonNode? value, string file, string place)
    {
        var parts = reference.Split('#');
        var target = parts[0].Length > 0 ? Path.Combine(Path.GetDirectoryName(file)!, parts[0]) : file;
        var schema = parts[1].Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate(load(target), (inner, name) => inner[name]!);
        return Errors(value, schema, target, place);
    }

    private static bool Matches(string text, string pattern) => Regex.IsMatch(text, pattern, RegexOptions.None, TimeSpan.FromSeconds(30));

    private static double Number(JsonNode value) => double.Parse(value.ToString(), CultureInfo.InvariantCulture);

    private static IEnumerable<string> Types(JsonNode rule) =>
        rule is JsonArray several ? several.Select(type => type!.GetValue<string>()) : [rule.GetValue<string>()];

    private static bool Is(string type, JsonNode? value) => (type, Kind(value)) switch
    {
        ("number", "integer") => true,
        var (wanted, found) => wanted == found,
    };

    private static string Kind(JsonNode? value) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => value.AsValue().TryGetValue<long>(out _) ? "integer" : "number",
        _ => "boolean",
    };

    private static IEnumerable<string> IntegerOrText(JsonNode? value, string place) =>
        Kind(value) is "integer" or "string" ? [] : [$"{place}: is {Kind(value)}, must be a number or a text"];

    private static IEnumerable<string> Bound(string keyword, double? size, JsonNode rule, string place)
    {
        var bound = Number(rule);
        var kept = size is null || (keyword.StartsWith("min", StringComparison.Ordinal) ? size >= bound : size <= bound);
        return kept ? [] : [$"{place}: {size} is beyond the {keyword} of {rule}"];
    }
}
