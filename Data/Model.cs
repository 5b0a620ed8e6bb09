using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Data;

/// <summary>A model: the name that its versions share, and how it is served.</summary>
public sealed class Model
{
    public required string Name { get; init; }

    public required ModelSettings Settings { get; set; }

    public Residency Residency { get; set; }

    /// <summary>What <see cref="TrafficPolicy.Stable"/> was before the last promotion; a rollback goes there.</summary>
    public string? PreviousStable { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
