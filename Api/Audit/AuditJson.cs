using System.Text.Json.Serialization;
using InferenceTemplate.Inference.Audit;

namespace InferenceTemplate.Api.Audit;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(AuditHead))]
[JsonSerializable(typeof(AuditVerification))]
internal sealed partial class AuditJson : JsonSerializerContext;
