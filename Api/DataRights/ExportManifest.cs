using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.DataRights;

/// <summary>The last file of an export: where it is missing, the export broke off.</summary>
/// <param name="Files">Lines of each file.</param>
public sealed record ExportManifest(string Tenant, DateTimeOffset ExportedAt, IReadOnlyDictionary<string, long> Files);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ExportManifest))]
internal sealed partial class ExportJson : JsonSerializerContext;
