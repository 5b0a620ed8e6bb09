using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Client;

/// <summary>JSON of the platform, generated at build.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(InferHead))]
[JsonSerializable(typeof(InferenceJob))]
[JsonSerializable(typeof(InferenceBatch))]
[JsonSerializable(typeof(BatchLine))]
[JsonSerializable(typeof(ModelNames))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(ModelVersion))]
[JsonSerializable(typeof(Promotion))]
[JsonSerializable(typeof(StableVersion))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(ulong))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(string))]
internal sealed partial class ClientJson : JsonSerializerContext;
