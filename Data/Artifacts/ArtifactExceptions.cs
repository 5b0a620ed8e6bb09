namespace InferenceTemplate.Data.Artifacts;

/// <summary>The store does not have an artifact.</summary>
public sealed class ArtifactMissingException(string name) : IOException($"The artifact {name} is not in the store.");

/// <summary>What the store gave is not what was put in.</summary>
public sealed class ArtifactDamagedException(string sha256, string found)
    : IOException($"The artifact {sha256} is damaged: {found} was read.");

/// <summary>The content is larger than allowed.</summary>
public sealed class ArtifactTooLargeException(long maxBytes) : IOException($"larger than {maxBytes} bytes")
{
    public long MaxBytes { get; } = maxBytes;
}

/// <summary>The store can't be reached, or refuses.</summary>
public sealed class ArtifactStoreUnavailableException(Exception inner) : IOException("The artifact store is unavailable.", inner);
