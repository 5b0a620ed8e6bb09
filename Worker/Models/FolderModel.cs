using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Models;

/// <summary>
/// What <c>{model}/model.json</c> says of a model of the folder: taken when a version comes into the registry, where people change it.
/// </summary>
internal sealed record FolderModel
{
    public const string FileName = "model.json";

    /// <summary>The version that answers requests which name none, where nobody has chosen one; null for the highest.</summary>
    public string? Stable { get; set; }

    /// <summary>Versions by alias.</summary>
    public Dictionary<string, string> Aliases { get; set; } = [];

    /// <summary>Labels by version.</summary>
    public Dictionary<string, Dictionary<string, string>> Labels { get; set; } = [];

    /// <summary>What is said beside the folder of this version; nothing where the file is absent.</summary>
    /// <exception cref="InvalidDataException">The file is not JSON of this form.</exception>
    public static FolderModel Of(ModelFile file)
    {
        var path = Path.Combine(Path.GetDirectoryName(file.Path)!, "..", FileName);
        if (!File.Exists(path))
        {
            return new FolderModel();
        }

        try
        {
            var model = JsonSerializer.Deserialize(File.ReadAllBytes(path), FolderModelJson.Default.FolderModel) ?? new FolderModel();
            return Problem(model) is { } problem ? throw new InvalidDataException($"{file.Model}/{FileName}: {problem}") : model;
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{file.Model}/{FileName} can't be read: {exception.Message}", exception);
        }
    }

    // What is within a dictionary the serializer lets be null.
    private static string? Problem(FolderModel model) =>
        model.Aliases.Keys.FirstOrDefault(a => !ModelNames.IsAlias(a)) is { } wrong ? $"the alias '{wrong}' must be {ModelNames.AliasRule}"
        : model.Aliases.FirstOrDefault(a => a.Value is null).Key is { } alias ? $"the alias '{alias}' names no version"
        : model.Labels.FirstOrDefault(l => l.Value is null || l.Value.Any(IsNoText)).Key is { } version
            ? $"each label of version '{version}' must be a text without U+0000"
        : null;

    private static bool IsNoText(KeyValuePair<string, string> label) =>
        label.Value is null || label.Key.Contains('\0', StringComparison.Ordinal) || label.Value.Contains('\0', StringComparison.Ordinal);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(FolderModel))]
internal sealed partial class FolderModelJson : JsonSerializerContext;
