using System.Text.Json.Serialization;
using InferenceTemplate.Inference.Catalog;

namespace InferenceTemplate.Inference.Store;

/// <summary>JSON as the database keeps it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ModelSettings))]
[JsonSerializable(typeof(BatchProof))]
[JsonSerializable(typeof(ModelSignature))]
[JsonSerializable(typeof(VersionMetadata))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(TrafficPolicy))]
internal sealed partial class StoreJson : JsonSerializerContext;
