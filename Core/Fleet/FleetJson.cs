using System.Text.Json.Serialization;

namespace InferenceTemplate.Core.Fleet;

/// <summary>JSON of the heartbeats in Redis.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ApiStatus))]
[JsonSerializable(typeof(WorkerStatus))]
internal sealed partial class FleetJson : JsonSerializerContext;
