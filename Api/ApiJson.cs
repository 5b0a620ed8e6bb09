using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.OpenInference;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Scaling;

namespace InferenceTemplate.Api;

/// <summary>JSON of the API's wire types, generated at build.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(ServerLive))]
[JsonSerializable(typeof(ServerReady))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(ModelReady))]
[JsonSerializable(typeof(AccessToken))]
[JsonSerializable(typeof(PlatformOverview))]
[JsonSerializable(typeof(WorkerDemand))]
internal sealed partial class ApiJson : JsonSerializerContext;
