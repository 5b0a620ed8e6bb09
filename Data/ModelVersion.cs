using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Data;

/// <summary>One version of a model. What it is never changes; only its state and labels do.</summary>
public sealed class ModelVersion
{
    public required string Model { get; init; }

    /// <summary>A positive integer in decimal. It is not given out again after a deletion.</summary>
    public required string Version { get; init; }

    public required string Platform { get; set; }

    /// <summary>SHA-256 of the ONNX file, lower-case hex: names the artifact.</summary>
    public required string Sha256 { get; set; }

    public long SizeBytes { get; set; }

    public VersionState State { get; set; } = VersionState.Ready;

    /// <summary>Why it was rejected; null in other states.</summary>
    public string? Reason { get; set; }

    /// <summary>Empty until the file has been opened.</summary>
    public required ModelSignature Signature { get; set; }

    /// <summary>What the file says of itself.</summary>
    public VersionMetadata Metadata { get; set; } = new();

    /// <summary>What people say of it: free text by key.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();

    /// <summary>
    /// Bytes of memory that one open session takes on the CPU, measured when it was first opened; an estimate. 0 until then.
    /// </summary>
    public long MemoryBytes { get; set; }

    /// <summary>
    /// Whether its rows were proven independent of each other; null until that was tried, as for versions from before it was.
    /// </summary>
    public BatchProof? BatchProof { get; set; }

    /// <summary>Whether that is to be tried again, with another sample request; what was found before holds until then.</summary>
    public bool ProofOutdated { get; set; }

    /// <summary>Whether there is a <see cref="SampleRequest"/> of it.</summary>
    public bool HasSample { get; set; }

    /// <summary>
    /// Why requests for a pipeline share no runs: a step's do not. Null where they do, and for models. Known to a snapshot of the registry.
    /// </summary>
    public string? StepsApart { get; set; }

    /// <summary>Whether it is served, and a worker has yet to try whether its rows are independent.</summary>
    public bool AwaitsProof => State == VersionState.Ready && (BatchProof is null || ProofOutdated);

    /// <summary>Name of the key that uploaded it, or of the folder it came from.</summary>
    public string? CreatedBy { get; init; }

    public DateTimeOffset RegisteredAt { get; set; }

    /// <summary>The row outlives a deletion, so that records still name something; the artifact does not.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>Until when one worker's inspection holds it.</summary>
    public DateTimeOffset? InspectionLease { get; set; }

    /// <summary>How often an inspection was begun; also fences a slow one's result.</summary>
    public int InspectionAttempts { get; set; }

    /// <summary>
    /// Has its rows tried again. An inspection that is on its way began with another sample request: without its lease, what it finds counts
    /// for nothing.
    /// </summary>
    public void OutdateProof() => (ProofOutdated, InspectionLease, InspectionAttempts) = (true, null, 0);
}
