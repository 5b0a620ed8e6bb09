using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.Embeddings;

/// <summary>JSON of the embeddings API, generated at build. Fields unknown here are for <see cref="OpenAi.OpenAiFields"/>.</summary>
[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(EmbeddingsRequest))]
[JsonSerializable(typeof(EmbeddingsAnswer))]
[JsonSerializable(typeof(RerankRequest))]
[JsonSerializable(typeof(RerankAnswer))]
internal sealed partial class EmbeddingsJson : JsonSerializerContext;
