using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.Tenants;

/// <summary>JSON of tenants, generated at build. What is not known is refused: a misspelt limit would be none.</summary>
[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TenantView))]
[JsonSerializable(typeof(TenantPage))]
[JsonSerializable(typeof(OwnTenant))]
[JsonSerializable(typeof(TenantSettings))]
internal sealed partial class TenantsJson : JsonSerializerContext;
