using System.Buffers;
using System.IO.Hashing;
using System.Security.Cryptography;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Models;

/// <summary>A folder to which the files of an archive are written, and nothing outside it.</summary>
internal sealed class ExtractedFolder
{
    private const int CopyBytes = 1 << 20;

    private readonly string _folder;
    private readonly long _maxBytes;
    private readonly CancellationToken _cancellation;
    private readonly ModelFileNames _names = new();
    private readonly List<HashedFile> _files = [];
    private long _bytes;

    public ExtractedFolder(string folder, long maxBytes, CancellationToken cancellationToken)
    {
        (_folder, _maxBytes, _cancellation) = (folder, maxBytes, cancellationToken);
        Directory.CreateDirectory(folder);
    }

    public IReadOnlyList<HashedFile> Files => _files;

    public static ModelRefusedException NoRegularFile(string name) =>
        new($"the archive has '{ModelFileNames.Shown(name)}', which is a link, a device or of another kind than a file");

    /// <param name="length">What the archive says, as is <paramref name="crc32"/> where it has one; it must be true.</param>
    /// <exception cref="ModelRefusedException">A file of this name, size or content is not taken.</exception>
    public void Write(string name, Stream content, long length, uint? crc32 = null)
    {
        name = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
        if (IsOfMac(name))
        {
            return;
        }

        if (_names.Add(name) is { } refusal)
        {
            throw new ModelRefusedException($"the archive is refused: {refusal}");
        }

        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var checksum = new Crc32();
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        if (Copy(content, file, hash, checksum) != length || (crc32 is { } expected && checksum.GetCurrentHashAsUInt32() != expected))
        {
            throw new ModelRefusedException(
                $"the archive is cut off or damaged: the length or the checksum of '{name}' is another than it says");
        }

        file.Flush(flushToDisk: true);
        _files.Add(new HashedFile(name, Convert.ToHexStringLower(hash.GetCurrentHash())));
    }

    // What a Mac adds to archives, for itself.
    private static bool IsOfMac(string name) =>
        name.StartsWith("__MACOSX/", StringComparison.Ordinal)
        || Path.GetFileName(name) is ".DS_Store"
        || Path.GetFileName(name).StartsWith("._", StringComparison.Ordinal);

    private long Copy(Stream content, FileStream file, IncrementalHash hash, Crc32 checksum)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            long copied = 0;
            for (int read; (read = content.Read(buffer, 0, CopyBytes)) > 0; copied += read)
            {
                _cancellation.ThrowIfCancellationRequested();
                if ((_bytes += read) > _maxBytes)
                {
                    throw new ModelRefusedException(
                        $"the files of the archive have more than the allowed {_maxBytes} bytes together (Inspection:MemoryBytes)");
                }

                hash.AppendData(buffer, 0, read);
                checksum.Append(buffer.AsSpan(0, read));
                file.Write(buffer, 0, read);
            }

            return copied;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <param name="Name">Its path within the folder, with '/'.</param>
/// <param name="Sha256">Lower-case hex.</param>
internal sealed record HashedFile(string Name, string Sha256);
