using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Queues;
using InferenceTemplate.Api.Traffic;

namespace InferenceTemplate.Api;

/// <summary>JSON of the API's wire types, generated at build.</summary>
[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(ServerMetadata))]
[JsonSerializable(typeof(ServerLive))]
[JsonSerializable(typeof(ServerReady))]
[JsonSerializable(typeof(ModelMetadata))]
[JsonSerializable(typeof(ModelReady))]
[JsonSerializable(typeof(ModelNameList))]
[JsonSerializable(typeof(AccessToken))]
[JsonSerializable(typeof(PlatformOverview))]
[JsonSerializable(typeof(TrafficPolicyBody))]
[JsonSerializable(typeof(TrafficStatus))]
[JsonSerializable(typeof(QueueOverviews))]
[JsonSerializable(typeof(DeadLetterPage))]
[JsonSerializable(typeof(DeadLetterView))]
[JsonSerializable(typeof(NewestDeadLetters))]
[JsonSerializable(typeof(RequeuedCount))]
[JsonSerializable(typeof(PurgedCount))]
[JsonSerializable(typeof(JobView))]
[JsonSerializable(typeof(JobPage))]
internal sealed partial class ApiJson : JsonSerializerContext;
