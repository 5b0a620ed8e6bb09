using InferenceTemplate.Core;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>An artifact whose end is only reached where its length and hash are right.</summary>
internal sealed class VerifiedStream(Stream inner, string sha256, long sizeBytes) : ForwardStream
{
    private readonly MeasuredStream _measured = new(inner, long.MaxValue);

    /// <exception cref="ArtifactDamagedException">The content is not what was stored.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _measured.ReadAsync(buffer, cancellationToken);
        if (read == 0 && buffer.Length > 0 && (_measured.Count != sizeBytes || _measured.Sha256 != sha256))
        {
            throw new ArtifactDamagedException(sha256, $"{_measured.Count} of {sizeBytes} bytes with the hash {_measured.Sha256}");
        }

        return read;
    }

    public override async ValueTask DisposeAsync()
    {
        await _measured.DisposeAsync();
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _measured.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
