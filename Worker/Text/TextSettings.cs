using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// What <c>text.json</c> beside a model's ONNX file says: that callers send it text, and how that becomes the model's inputs and its
/// outputs an embedding.
/// </summary>
internal sealed record TextSettings
{
    public const string FileName = "text.json";

    private const int LeastTokens = 8;
    private const int MostTokens = 8192;

    /// <summary>How text is cut into tokens: <c>wordpiece</c>.</summary>
    public required string Tokenizer { get; set; }

    /// <summary>The file with the tokens, beside this one.</summary>
    public string Vocabulary { get; set; } = "vocab.txt";

    /// <summary>Whether letters are made small and lose their accents first, as they were in training.</summary>
    public required bool Lowercase { get; set; }

    /// <summary>Tokens of a text, [CLS] and [SEP] among them. 8 to 8,192.</summary>
    public required int MaxTokens { get; set; }

    /// <summary>What becomes of a text that has more: <c>refuse</c> or <c>truncate</c>.</summary>
    public string TooLong { get; set; } = Refuse;

    /// <summary>
    /// What of a text's tokens is its embedding: their <c>mean</c>, the first (<c>cls</c>), or what the model itself gives (<c>none</c>).
    /// </summary>
    public required string Pooling { get; set; }

    /// <summary>Whether embeddings are brought to length 1.</summary>
    public bool Normalize { get; set; } = true;

    /// <summary>The model's output that is taken; null for the first of the form that the pooling wants.</summary>
    public string? Output { get; set; }

    public const string WordPiece = "wordpiece";
    public const string Refuse = "refuse";
    public const string Truncate = "truncate";
    public const string Mean = "mean";
    public const string Cls = "cls";
    public const string None = "none";

    /// <exception cref="ModelRefusedException">The file can't be read as such settings; the message says why.</exception>
    public static TextSettings Read(string path) => SettingsFile.Read(path, TextJson.Default.TextSettings, settings => settings.Problem());

    private string? Problem() =>
        SettingsFile.OneOf("tokenizer", Tokenizer, WordPiece)
        ?? SettingsFile.OneOf("too_long", TooLong, Refuse, Truncate)
        ?? SettingsFile.OneOf("pooling", Pooling, Mean, Cls, None)
        ?? (MaxTokens is < LeastTokens or > MostTokens ? $"max_tokens is {MaxTokens}; {LeastTokens} to {MostTokens} are possible" : null)
        ?? (ModelFileNames.IsAllowed(Vocabulary)
            ? null
            : $"vocabulary is '{ModelFileNames.Shown(Vocabulary)}', which is not {ModelFileNames.Rule}")
        ?? (((string[])[FileName, ModelFile.FileName]).Contains(Vocabulary, StringComparer.OrdinalIgnoreCase)
            ? $"vocabulary is '{Vocabulary}', which is another file of the model"
            : null);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(TextSettings))]
internal sealed partial class TextJson : JsonSerializerContext;
