namespace InferenceTemplate.Core.Catalog;

/// <summary>
/// Which models the uploader of a version may use, from its upload to its inspection: a pipeline gives what its steps answer to everybody
/// who may use the pipeline, so that no one can make one of models that they may not use themselves.
/// </summary>
public static class UploaderScope
{
    private const string Property = "uploader_models";

    // In no model's name.
    private const char Separator = ',';

    /// <param name="models">Null for all.</param>
    public static VersionMetadata Of(IReadOnlyList<string>? models) => models is null
        ? new VersionMetadata()
        : new VersionMetadata
        {
            Properties = new Dictionary<string, string>(StringComparer.Ordinal) { [Property] = string.Join(Separator, models) },
        };

    /// <summary>What may be told of a version that waits for its inspection: whom a model's name is kept from reads this too.</summary>
    public static VersionMetadata Without(VersionMetadata pending) => pending.Properties.ContainsKey(Property)
        ? pending with { Properties = pending.Properties.Where(p => p.Key != Property).ToDictionary(StringComparer.Ordinal) }
        : pending;

    public static bool Allows(VersionMetadata pending, string model) =>
        !pending.Properties.TryGetValue(Property, out var models) || models.Split(Separator).Contains(model, StringComparer.Ordinal);
}
