using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.Scaling;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WorkerDemand))]
internal sealed partial class ScalingJson : JsonSerializerContext;
