namespace InferenceTemplate.Data;

/// <summary>A name for a version, such as <c>production</c>, which may be used wherever a version number may.</summary>
public sealed class ModelAlias
{
    public required string Model { get; init; }

    /// <summary>Never a number, so that it can't be taken for a version.</summary>
    public required string Alias { get; init; }

    public required string Version { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }
}
