using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Models;

/// <summary>JSON of the models API, generated at build. What is not known is refused: a misspelt setting would be lost unseen.</summary>
[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true,
    Converters = [
        typeof(SnakeCase<Residency>), typeof(SnakeCase<VersionState>), typeof(SnakeCase<RaggedShapes>), typeof(SnakeCase<BatchingMode>),
        typeof(SnakeCase<PayloadMode>)])]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelSummary))]
[JsonSerializable(typeof(ModelDetails))]
[JsonSerializable(typeof(VersionList))]
[JsonSerializable(typeof(VersionDetails))]
[JsonSerializable(typeof(ModelSettings))]
[JsonSerializable(typeof(AliasTarget))]
[JsonSerializable(typeof(PromotionRequest))]
[JsonSerializable(typeof(StableVersion))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(ModelHistory))]
internal sealed partial class ModelsJson : JsonSerializerContext;

internal sealed class SnakeCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
