using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <param name="Data">The same for clients of OpenAI, which list models at this path.</param>
internal sealed record ModelList(ModelSummary[] Models, string Object, ListedModel[] Data)
{
    public static ModelList Of(ModelSummary[] models) =>
        new(models, "list", [.. models.Select(m => ListedModel.Of(m.Name, m.UpdatedAt))]);
}

/// <param name="Created">Seconds since 1970, of its last change.</param>
internal sealed record ListedModel(string Id, string Object, long Created, string OwnedBy)
{
    public const string Kind = "model";
    public const string Owner = "platform";

    public static ListedModel Of(string id, DateTimeOffset created) => new(id, Kind, created.ToUnixTimeSeconds(), Owner);
}

/// <param name="Stable">The version that answers requests which name none; null while there is none.</param>
internal sealed record ModelSummary(string Name, string? Stable, Residency Residency, string[] Versions, DateTimeOffset UpdatedAt)
{
    public static ModelSummary From(CatalogSnapshot snapshot, Model model) => new(
        model.Name,
        snapshot.StableOf(model.Name)?.Version,
        model.Residency,
        [.. snapshot.AllVersionsOf(model.Name).Select(v => v.Version)],
        model.UpdatedAt);
}

/// <param name="PreviousStable">Where a rollback goes.</param>
/// <param name="Aliases">The version of each.</param>
/// <param name="Id">This and what follows: the same for clients of OpenAI.</param>
internal sealed record ModelDetails(
    string Name,
    string? Stable,
    string? PreviousStable,
    Residency Residency,
    IReadOnlyDictionary<string, string> Aliases,
    ModelSettings Settings,
    VersionDetails[] Versions,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string Id,
    string Object,
    long Created,
    string OwnedBy)
{
    public static ModelDetails From(CatalogSnapshot snapshot, Model model) => new(
        model.Name,
        snapshot.StableOf(model.Name)?.Version,
        model.PreviousStable,
        model.Residency,
        snapshot.AliasesOf(model.Name).ToDictionary(a => a.Alias, a => a.Version, StringComparer.Ordinal),
        model.Settings,
        [.. snapshot.AllVersionsOf(model.Name).Select(v => VersionDetails.From(v, model.Settings))],
        model.CreatedAt,
        model.UpdatedAt,
        model.Name,
        ListedModel.Kind,
        model.UpdatedAt.ToUnixTimeSeconds(),
        ListedModel.Owner);
}

internal sealed record VersionList(VersionDetails[] Versions);

/// <param name="Reason">Why it was rejected; null in other states.</param>
/// <param name="MemoryBytes">What one open session takes, about; 0 until it has been opened.</param>
/// <param name="Batching">Whether requests of different callers share runs, and why.</param>
/// <param name="HasSample">Whether it has a sample request.</param>
/// <param name="Inputs">Empty until it has been opened, as is what else the file says of itself.</param>
internal sealed record VersionDetails(
    string Model,
    string Version,
    VersionState State,
    string? Reason,
    string Platform,
    string Sha256,
    long SizeBytes,
    long MemoryBytes,
    TensorMetadata[] Inputs,
    TensorMetadata[] Outputs,
    VersionMetadata Metadata,
    BatchDecision Batching,
    IReadOnlyDictionary<string, string> Labels,
    bool HasSample,
    string? CreatedBy,
    DateTimeOffset CreatedAt)
{
    public static VersionDetails From(ModelVersion version, ModelSettings settings) => new(
        version.Model,
        version.Version,
        version.State,
        version.Reason,
        version.Platform,
        version.Sha256,
        version.SizeBytes,
        version.MemoryBytes,
        TensorMetadata.InputsOf(version.Signature),
        TensorMetadata.From(version.Signature.Outputs),
        version.State == VersionState.Ready ? version.Metadata : UploaderScope.Without(version.Metadata),
        BatchDecision.Of(version, settings),
        version.Labels,
        version.HasSample,
        version.CreatedBy,
        version.RegisteredAt);
}
