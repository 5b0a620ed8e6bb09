namespace InferenceTemplate.Core.Catalog;

/// <summary>
/// Which input of a version is made of images, for those who show a form for it: the signature says BYTES of texts and images alike.
/// </summary>
public static class ImageInput
{
    private const string Property = "image_input";

    /// <summary>Its name; null where there is none.</summary>
    public static string? Of(VersionMetadata metadata) => metadata.Properties.GetValueOrDefault(Property);

    /// <summary>What is known of a version, with that input in place of whatever the model's file says.</summary>
    public static VersionMetadata Added(VersionMetadata metadata, string? input)
    {
        var properties = new Dictionary<string, string>(metadata.Properties, StringComparer.Ordinal);
        properties.Remove(Property);
        if (input is not null)
        {
            properties.Add(Property, input);
        }

        return metadata with { Properties = properties };
    }
}
