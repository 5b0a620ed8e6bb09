using InferenceTemplate.Inference.Catalog;

namespace InferenceTemplate.Inference.Store;

/// <summary>One version of a model that a worker has opened.</summary>
public sealed class ModelVersion
{
    public required string Model { get; init; }

    /// <summary>A positive integer in decimal; the highest one serves requests that name no version.</summary>
    public required string Version { get; init; }

    public required string Platform { get; set; }

    /// <summary>SHA-256 of the ONNX file, lower-case hex.</summary>
    public required string Sha256 { get; set; }

    public long SizeBytes { get; set; }

    public required ModelSignature Signature { get; set; }

    public DateTimeOffset RegisteredAt { get; set; }
}
