using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Keys;

/// <param name="Role">One of <see cref="Roles"/>.</param>
/// <param name="Tenant">The default one if left out.</param>
/// <param name="Models">The models that the key opens; all that its tenant may use if left out.</param>
internal sealed record KeyRequest(
    string Name, string Role, string? Tenant = null, string[]? Models = null,
    [property: JsonConverter(typeof(ApiTimeConverter))] DateTimeOffset? ExpiresAt = null);

/// <param name="Overlap">How long the old key goes on; a day if left out.</param>
internal sealed record RotationRequest(TimeSpan? Overlap = null);

/// <summary>A key as it is known: without its secret.</summary>
/// <param name="State"><c>active</c>, <c>expired</c> or <c>revoked</c>.</param>
/// <param name="Replaces">The id of the key that this one replaces.</param>
internal sealed record KeyView(
    Guid Id,
    string Prefix,
    string Name,
    string Tenant,
    string Role,
    string[]? Models,
    string State,
    DateTimeOffset CreatedAt,
    string? CreatedBy,
    Guid? Replaces,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt)
{
    /// <summary>The whole key, in the answer to its creation only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    public static KeyView Of(ApiKey key, DateTimeOffset now) => new(
        key.Id, key.Prefix, key.Name, key.TenantId, key.Role, key.Models,
        key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "active",
        key.CreatedAt, key.CreatedBy, key.Replaces, key.ExpiresAt, key.RevokedAt);

    public static KeyView Of(IssuedApiKey issued, DateTimeOffset now) => Of(issued.Key, now) with { Key = issued.Secret };
}

internal sealed record KeyPage(KeyView[] Keys, string? NextCursor);

/// <summary>JSON of the keys API. What is not known is refused: a misspelt limit would be lost unseen.</summary>
[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(RotationRequest))]
[JsonSerializable(typeof(KeyView))]
[JsonSerializable(typeof(KeyPage))]
internal sealed partial class KeysJson : JsonSerializerContext;
