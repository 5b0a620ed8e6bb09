using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Core.Generation;

/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
public sealed record GenerationMessage(string Role, string Content);

/// <summary>What a model is to generate: either messages, for its chat template, or a prompt as it is.</summary>
/// <remarks>Settable, not <c>init</c>, as with <see cref="Catalog.ModelSettings"/>.</remarks>
public sealed record GenerationRequest
{
    public const int MaxMessages = 2048;
    public const int MaxStops = 4;
    public const int MaxStopChars = 256;
    public const double MaxTemperature = 2;

    public GenerationMessage[]? Messages { get; set; }

    public string? Prompt { get; set; }

    /// <summary>Tokens to generate at most; null for what the worker and the context of the model allow.</summary>
    public int? MaxTokens { get; set; }

    /// <summary>0 to 2, 0 for the likeliest token always; null for what the model's <c>genai_config.json</c> says.</summary>
    public double? Temperature { get; set; }

    /// <summary>0 to 1: of the likeliest tokens, as many as have that probability together are drawn from.</summary>
    public double? TopP { get; set; }

    /// <summary>The same seed, request and version draw the same tokens.</summary>
    public long? Seed { get; set; }

    /// <summary>Texts before which an answer ends. Up to 4, each of 1 to 256 characters.</summary>
    public string[] Stop { get; set; } = [];

    /// <summary>Whether parts of the text are wanted as they come; where the way does not carry them, the whole comes alone.</summary>
    public bool Stream { get; set; }

    /// <summary>What is wrong, beginning with the name of the field; null where nothing is.</summary>
    public string? Problem()
    {
        if ((Messages is null) == (Prompt is null))
        {
            return "messages: either they or a prompt expected";
        }

        if (Messages is { Length: 0 or > MaxMessages })
        {
            return $"messages: {Messages.Length} given, 1 to {MaxMessages} are possible";
        }

        for (var i = 0; i < Messages?.Length; i++)
        {
            if (Messages[i] is not { Role: "system" or "user" or "assistant" })
            {
                return $"messages[{i}].role: one of system, user and assistant expected";
            }
        }

        // The engine takes a text to end at its first.
        if (Prompt?.Contains('\0', StringComparison.Ordinal) == true)
        {
            return "prompt: it has the character U+0000, which no model takes";
        }

        if (Array.FindIndex(Messages ?? [], m => m.Content.Contains('\0', StringComparison.Ordinal)) is var with and >= 0)
        {
            return $"messages[{with}].content: it has the character U+0000, which no model takes";
        }

        return MaxTokens < 1 ? $"max_tokens: {MaxTokens} given, 1 or more expected"
            : Temperature is < 0 or > MaxTemperature ? $"temperature: {Temperature} given, 0 to {MaxTemperature} are possible"
            : TopP is < 0 or > 1 ? $"top_p: {TopP} given, 0 to 1 are possible"
            : Stop.Length > MaxStops ? $"stop: {Stop.Length} texts given, up to {MaxStops} are possible"
            : Array.Exists(Stop, s => s is not { Length: >= 1 and <= MaxStopChars }) ? $"stop: a text has 1 to {MaxStopChars} characters"
            : null;
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, GenerationJson.Default.GenerationRequest);

    /// <exception cref="InvalidDataException">It is none; the message is for the caller.</exception>
    public static GenerationRequest Read(ReadOnlySpan<byte> json)
    {
        GenerationRequest? request;
        try
        {
            request = JsonSerializer.Deserialize(json, GenerationJson.Default.GenerationRequest);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"request: {exception.Message}", exception);
        }

        return request is null ? throw new InvalidDataException("request: it is null")
            : request.Problem() is { } problem ? throw new InvalidDataException(problem)
            : request;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GenerationRequest))]
internal sealed partial class GenerationJson : JsonSerializerContext;
