using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using k8s;

namespace InferenceTemplate.AppHost.Kubernetes.Rendering;

/// <summary>
/// Writes an object as the YAML of a Helm template. Visits what KubernetesClient serializes and resolves the markers of <see
/// cref="Template"/>.
/// </summary>
internal static partial class TemplateWriter
{
    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(object written, string? when)
    {
        var lines = Visit(JsonNode.Parse(KubernetesJson.Serialize(written))).Lines.Select(Splice);
        return string.Concat((when is null ? lines : [$"{{{{- if {when} }}}}", .. lines, "{{- end }}"]).Select(line => line + "\n"));
    }

    // How deep it stands is known only now.
    private static string Splice(string line) => Spliced().Match(line) is { Success: true } spliced
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{spliced.Groups["depth"].Value}{{{{- toYaml {spliced.Groups["expression"].Value} | nindent {spliced.Groups["depth"].Length} }}}}")
        : line;

    /// <summary>Of values, which hold no templates.</summary>
    public static IReadOnlyList<string> Lines(JsonNode values) => Visit(values).Lines;

    private static Block Visit(JsonNode? node) => node switch
    {
        JsonObject { Count: > 0 } mapping => Mapping(mapping),
        JsonArray { Count: > 0 } sequence => Sequence(sequence),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Text(value.GetValue<string>()),
        JsonValue value when Template.Expression(value.ToJsonString()) is { } expression =>
            Block.Scalar($"{{{{ {expression} }}}}") with { When = Template.Condition(value.ToJsonString()) },
        _ => Block.Scalar(node?.ToJsonString() ?? "null"),
    };

    private static Block Mapping(JsonObject mapping)
    {
        var entries = new List<Block>();
        string? ofItem = null;
        foreach (var (key, value) in mapping)
        {
            var name = Text(key);
            var child = Visit(value);
            ofItem ??= child.OfItem;
            if (SplicedKey().IsMatch(name.Lines[0]))
            {
                entries.Add(new Block(name.Lines, name.OfItem));
                continue;
            }

            if (SplicedField().Match(child.Lines[0]) is { Success: true } field)
            {
                entries.Add(new Block([$"{field.Groups["name"].Value}:", $"  ⟪{field.Groups["expression"].Value}⟫"], child.When));
                continue;
            }

            entries.Add(new Block(
                child.IsScalar ? [$"{name.Lines[0]}: {child.Lines[0]}"] : [$"{name.Lines[0]}:", .. child.Lines.Select(line => $"  {line}")],
                name.OfItem ?? child.When));
        }

        return Join(entries) with { OfItem = ofItem };
    }

    private static Block Sequence(JsonArray sequence) => Join([.. sequence.Select(NameFirst).Select(Visit)
        .Select(item => SplicedItem().Match(item.Lines[0]) is { Success: true } spliced
            ? new Block([spliced.Groups["spliced"].Value], item.OfItem)
            : new Block([$"- {item.Lines[0]}", .. item.Lines.Skip(1).Select(line => $"  {line}")], item.When ?? item.OfItem))]);

    // As people write it. It hangs on no condition either, for which there is no room behind a dash.
    private static JsonNode? NameFirst(JsonNode? item) => item is JsonObject mapping && mapping.ContainsKey("name")
        ? new JsonObject(mapping.OrderByDescending(entry => entry.Key == "name")
            .Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone())))
        : item;

    /// <summary>Puts conditions around children, or where each has one, on all of them: an empty list is no list.</summary>
    private static Block Join(List<Block> children)
    {
        var conditions = children.Select(child => child.When).Distinct(StringComparer.Ordinal).ToList();
        var when = conditions.Contains(null) ? null : Template.Any(conditions!);
        var lines = new List<string>();
        string? open = null;
        foreach (var child in children)
        {
            var condition = Within(child.When, when);
            if (condition != open)
            {
                Close();
                if (condition is not null)
                {
                    lines.Add($"{{{{- if {condition} }}}}");
                }

                open = condition;
            }

            lines.AddRange(child.Lines);
        }

        Close();
        return new Block(lines, when);

        // What holds for all need not be said again.
        static string? Within(string? condition, string? all) =>
            condition == all ? null
            : all is not null && condition!.StartsWith($"and ({all}) (", StringComparison.Ordinal) ? condition[$"and ({all}) (".Length..^1]
            : condition;

        void Close()
        {
            if (open is not null)
            {
                lines.Add("{{- end }}");
            }
        }
    }

    private static Block Text(string text)
    {
        var marked = Condition().Match(text);
        return Block.Scalar(Scalar(text[marked.Length..])) with { OfItem = Marked("item"), When = Marked("field") };

        string? Marked(string group) => marked.Groups[group] is { Success: true } condition ? condition.Value : null;
    }

    private static string Scalar(string text)
    {
        if (text.StartsWith('⟪'))
        {
            return text;
        }

        if (Template.Expression(text) is { } number)
        {
            return $"{{{{ {number} | quote }}}}";
        }

        var expressions = Expression().Matches(text);
        if (expressions.Count == 0)
        {
            return Plain().IsMatch(text) ? text : JsonSerializer.Serialize(text, s_readable);
        }

        if (expressions[0].Length == text.Length)
        {
            return $"{{{{ {expressions[0].Groups["expression"].Value} | quote }}}}";
        }

        // Quoted as a whole, whatever the values hold.
        var format = JsonSerializer.Serialize(Expression().Replace(text.Replace("%", "%%", StringComparison.Ordinal), "%s"), s_readable);
        var arguments = expressions.Select(found => found.Groups["expression"].Value)
            .Select(each => each.Contains(' ', StringComparison.Ordinal) ? $"({each})" : each);
        return $"{{{{ printf {format} {string.Join(' ', arguments)} | quote }}}}";
    }

    [GeneratedRegex("^(⟦(?<item>[^⟧]+)⟧|⟨(?<field>[^⟩]+)⟩)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Condition();

    [GeneratedRegex("^(?<depth> *)⟪(?<expression>[^⟫]+)⟫$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Spliced();

    [GeneratedRegex("^⟪[^⟫]+⟫$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SplicedKey();

    [GeneratedRegex("^⟪(?<name>[^⟫]+)⟫(?<expression>.+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SplicedField();

    [GeneratedRegex("^\\w+: (?<spliced>⟪[^⟫]+⟫)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SplicedItem();

    [GeneratedRegex(@"\{\{ (?<expression>(`[^`]*`|[^`}])+) \}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Expression();

    // Whatever YAML could take for something else is quoted.
    [GeneratedRegex(
        @"^(?!(true|false|yes|no|on|off|null|y|n)$)[A-Za-z/][A-Za-z0-9._/=+-]*( [A-Za-z0-9._/=+-]+)*$",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        1000)]
    private static partial Regex Plain();

    /// <param name="When">On what the whole hangs.</param>
    private sealed record Block(IReadOnlyList<string> Lines, string? When)
    {
        public bool IsScalar { get; private init; }

        /// <summary>On what the item of a list hangs in which this is.</summary>
        public string? OfItem { get; init; }

        public static Block Scalar(string text) => new([text], null) { IsScalar = true };
    }
}
