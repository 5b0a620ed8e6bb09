using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(TrafficHistory))]
[JsonSerializable(typeof(ModelStatistics))]
[JsonSerializable(typeof(AccessToken))]
[JsonSerializable(typeof(InferAnswer))]
[JsonSerializable(typeof(InferError))]
[JsonSerializable(typeof(ApiProblem))]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(ChatEvent))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelDetails))]
[JsonSerializable(typeof(VersionDetails))]
[JsonSerializable(typeof(ModelHistory))]
[JsonSerializable(typeof(Promotion))]
[JsonSerializable(typeof(TrafficPolicy))]
[JsonSerializable(typeof(TrafficStatus))]
[JsonSerializable(typeof(JobPage))]
[JsonSerializable(typeof(RequestList))]
[JsonSerializable(typeof(RequestRecord))]
[JsonSerializable(typeof(DeadLetterList))]
[JsonSerializable(typeof(KeyPage))]
[JsonSerializable(typeof(ApiKey))]
[JsonSerializable(typeof(NewKey))]
[JsonSerializable(typeof(Usage))]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(AuditVerification))]
internal sealed partial class ApiJson : JsonSerializerContext;
