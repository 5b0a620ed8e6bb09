using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Core.Catalog;

/// <summary>
/// The names of a model's classes, by their index. A version has them in the property <c>labels</c> of its ONNX file, or
/// <c>labels.{output}</c> for one of several outputs: a name a line, or a JSON array of names. A file <c>labels.txt</c> beside
/// <c>model.onnx</c> takes the place of the former.
/// </summary>
public static class ClassLabels
{
    public const string Property = "labels";

    public const string FileName = "labels.txt";

    /// <summary>Of all names of one output, in UTF-8: they are part of the catalog, which every service keeps in memory.</summary>
    public const int MaxBytes = 64 << 10;

    public static bool IsProperty(string key) => key == Property || key.StartsWith($"{Property}.", StringComparison.Ordinal);

    /// <summary>The names for an output; empty where the version has none.</summary>
    public static string[] Of(VersionMetadata metadata, string output) =>
        metadata.Properties.TryGetValue($"{Property}.{output}", out var text) || metadata.Properties.TryGetValue(Property, out text)
            ? Parse(text)
            : [];

    /// <summary>The names in a text; empty where it has none.</summary>
    public static string[] Parse(string text)
    {
        text = text.Trim();
        if (text.StartsWith('['))
        {
            try
            {
                return [.. (JsonSerializer.Deserialize(text, ClassLabelsJson.Default.StringArray) ?? []).Select(name => name ?? "")];
            }
            catch (JsonException)
            {
                // A name may begin with a bracket.
            }
        }

        return text.Length == 0 ? [] : [.. text.Split('\n').Select(line => line.Trim())];
    }
}

[JsonSerializable(typeof(string[]))]
internal sealed partial class ClassLabelsJson : JsonSerializerContext;
