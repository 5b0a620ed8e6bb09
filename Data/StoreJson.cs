using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Data;

/// <summary>JSON as the database keeps it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ModelSettings))]
[JsonSerializable(typeof(BatchProof))]
[JsonSerializable(typeof(ModelSignature))]
[JsonSerializable(typeof(VersionMetadata))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(Tensor[]))]
[JsonSerializable(typeof(TrafficPolicy))]
public sealed partial class StoreJson : JsonSerializerContext;
