using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(ModelStatistics))]
[JsonSerializable(typeof(AccessToken))]
[JsonSerializable(typeof(InferAnswer))]
[JsonSerializable(typeof(InferError))]
internal sealed partial class ApiJson : JsonSerializerContext;
