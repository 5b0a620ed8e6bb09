using System.Security.Cryptography;
using InferenceTemplate.Core;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>Hashes and counts what is read through it, and refuses more than a limit.</summary>
internal sealed class MeasuredStream(Stream inner, long maxBytes) : ForwardStream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Count { get; private set; }

    /// <summary>Of what has been read so far, lower-case hex.</summary>
    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <exception cref="ArtifactTooLargeException">There is more than the limit.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        Count += read;
        if (Count > maxBytes)
        {
            throw new ArtifactTooLargeException(maxBytes);
        }

        _hash.AppendData(buffer.Span[..read]);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        base.Dispose(disposing);
    }
}
