namespace InferenceTemplate.Data.Artifacts;

/// <summary>Bytes by id. An id is written once and never used again.</summary>
public interface IBlobStore
{
    /// <summary>Writes all of the content, in pieces; a failure may leave pieces, which <see cref="DeleteAsync"/> removes.</summary>
    Task WriteAsync(Guid blob, Stream content, CancellationToken cancellationToken);

    /// <summary>A forward-only stream; the caller disposes it.</summary>
    /// <exception cref="ArtifactMissingException">There is no such blob.</exception>
    Task<Stream> OpenReadAsync(Guid blob, CancellationToken cancellationToken);

    /// <summary>Removes the blob and every piece of it; nothing happens where there is none.</summary>
    Task DeleteAsync(Guid blob, CancellationToken cancellationToken);
}
