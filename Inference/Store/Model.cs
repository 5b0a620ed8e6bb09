using InferenceTemplate.Inference.Catalog;

namespace InferenceTemplate.Inference.Store;

/// <summary>A model: the name that its versions share, and how it is served.</summary>
public sealed class Model
{
    public required string Name { get; init; }

    public required ModelSettings Settings { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
