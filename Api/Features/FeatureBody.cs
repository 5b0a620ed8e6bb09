using System.Text.Json.Serialization;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Features;

/// <summary>What <c>PUT /v1/features/{name}</c> takes.</summary>
/// <param name="Enabled">Off for everybody where false.</param>
/// <param name="Tenants">Tenants that have it in any case.</param>
/// <param name="ExcludedTenants">Tenants that don't have it in any case.</param>
/// <param name="Percentage">Of all other tenants; 100 if left out, but 0 where tenants are named.</param>
internal sealed record FeatureBody(bool? Enabled, string[]? Tenants, string[]? ExcludedTenants, double? Percentage, string? Description)
{
    private const int MaxTenants = 1_000;
    private const int MaxTenantLength = 64;
    private const int MaxDescription = 300;

    public (string Field, string Message)? Problem() => this switch
    {
        { Enabled: null } => ("enabled", "missing: true or false is expected"),
        { Percentage: { } percentage } when percentage is not (>= 0 and <= 100) => ("percentage", $"{percentage} given, 0 to 100 allowed"),
        { Description: { } text } when text.Length > MaxDescription || text.Contains('\0', StringComparison.Ordinal) =>
            ("description", $"up to {MaxDescription} characters are allowed, without U+0000"),
        _ => Problem("tenants", Tenants) ?? Problem("excluded_tenants", ExcludedTenants),
    };

    public FeatureFlag ToFlag(string name, DateTimeOffset now) => new()
    {
        Name = name,
        Enabled = Enabled!.Value,
        Tenants = Tenants is { Length: > 0 } ? Tenants : null,
        ExcludedTenants = ExcludedTenants is { Length: > 0 } ? ExcludedTenants : null,
        Percentage = Percentage ?? (Tenants is { Length: > 0 } ? 0 : 100),
        Description = Description ?? FeatureNames.All.GetValueOrDefault(name),

        // As Postgres keeps it: what a replica compares must be what it wrote.
        UpdatedAt = new DateTimeOffset(now.UtcTicks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero),
    };

    private static (string, string)? Problem(string field, string[]? tenants) => tenants switch
    {
        { Length: > MaxTenants } => (field, $"{tenants.Length} given, up to {MaxTenants} allowed"),
        not null when tenants.Any(t => t is null or { Length: 0 or > MaxTenantLength } || t.Contains('\0', StringComparison.Ordinal)) =>
            (field, $"each must be a tenant's id, of up to {MaxTenantLength} characters"),
        _ => null,
    };
}

/// <param name="UpdatedAt">Null where nobody has set it: it is as the product has it.</param>
internal sealed record FeatureView(
    string Name, bool Enabled, string[] Tenants, string[] ExcludedTenants, double Percentage, string? Description,
    DateTimeOffset? UpdatedAt)
{
    public static FeatureView Of(FeatureFlag flag) =>
        new(flag.Name, flag.Enabled, flag.Tenants ?? [], flag.ExcludedTenants ?? [], flag.Percentage, flag.Description, flag.UpdatedAt);

    public static FeatureView Default(string name) => new(name, true, [], [], 100, FeatureNames.All[name], null);
}

internal sealed record FeatureList(FeatureView[] Features);

internal sealed record EnabledFeatures(string[] Features);

[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(FeatureBody))]
[JsonSerializable(typeof(FeatureView))]
[JsonSerializable(typeof(FeatureList))]
[JsonSerializable(typeof(EnabledFeatures))]
internal sealed partial class FeaturesJson : JsonSerializerContext;
