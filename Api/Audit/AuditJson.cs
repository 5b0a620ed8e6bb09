using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.Audit;

[JsonSourceGenerationOptions(AllowDuplicateProperties = false, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(AuditHead))]
[JsonSerializable(typeof(AuditVerification))]
internal sealed partial class AuditJson : JsonSerializerContext;
