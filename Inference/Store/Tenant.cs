namespace InferenceTemplate.Inference.Store;

/// <summary>Whose keys, work and records these are.</summary>
public sealed class Tenant
{
    /// <summary>The tenant that exists from the first migration and owns the first admin key.</summary>
    public const string DefaultId = "default";

    public required string Id { get; init; }

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}
