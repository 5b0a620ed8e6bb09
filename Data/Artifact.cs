namespace InferenceTemplate.Data;

/// <summary>A file of a model, named by what is in it; all versions with the same content share it.</summary>
public sealed class Artifact
{
    /// <summary>Lower-case hex.</summary>
    public required string Sha256 { get; init; }

    public long SizeBytes { get; init; }

    /// <summary>Where the bytes are in the blob store. Never used again, so that a late removal can't hit a newer upload.</summary>
    public Guid Blob { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A piece of a blob that Postgres holds.</summary>
public sealed class ArtifactChunk
{
    public Guid Blob { get; init; }

    /// <summary>From 0.</summary>
    public int Number { get; init; }

    public required byte[] Data { get; init; }
}

/// <summary>A blob that no artifact refers to: not yet (it is being uploaded) or no more. What stays here too long is removed.</summary>
public sealed class LooseBlob
{
    public Guid Blob { get; init; }

    /// <summary>When it may be removed.</summary>
    public DateTimeOffset RemoveAfter { get; set; }
}
