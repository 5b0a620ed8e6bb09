using System.Security.Cryptography;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>The files of one model on this machine's disk, and what their hashes must be.</summary>
/// <param name="Path">The one that ONNX Runtime opens; it finds the others from there.</param>
/// <param name="Folder">The folder from which the names count.</param>
internal sealed record ModelFiles(string Path, string Folder, IReadOnlyList<HashedFile> Files)
{
    // As sha256sum writes it.
    private const string Separator = "  ";

    private const int HashChars = 64;

    public long Bytes { get; } = Files.Sum(f => new FileInfo(System.IO.Path.Combine(Folder, f.Name)).Length);

    /// <summary>Whether what lies beside the model's file came with it, and not with other models.</summary>
    public bool IsFolder { get; private init; }

    /// <summary>One file, whose hash is that of the artifact.</summary>
    public static ModelFiles Single(string path, string sha256) =>
        new(path, System.IO.Path.GetDirectoryName(path)!, [new HashedFile(System.IO.Path.GetFileName(path), sha256)]);

    /// <summary>The files that came in an archive, by the list that was made of them when the archive was known to be whole.</summary>
    /// <exception cref="InvalidDataException">There is no such list of this archive, or it names other files than there are.</exception>
    public static ModelFiles Listed(string folder, string listPath, string archiveSha256)
    {
        try
        {
            var lines = File.ReadAllLines(listPath);
            HashedFile[] files = [.. lines.Skip(1).Select(l => new HashedFile(l[(HashChars + Separator.Length)..], l[..HashChars]))];
            var there = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Select(path => System.IO.Path.GetRelativePath(folder, path).Replace(System.IO.Path.DirectorySeparatorChar, '/'));
            return lines[0] == ArchiveLine(archiveSha256) && there.ToHashSet(StringComparer.Ordinal).SetEquals(files.Select(f => f.Name))
                ? new ModelFiles(ModelFolder.FindModel(folder), folder, files) { IsFolder = true }
                : throw new InvalidDataException($"{listPath} is not of this archive, or names other files than there are");
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or IndexOutOfRangeException
            or Inspection.ModelRefusedException)
        {
            throw new InvalidDataException($"{listPath} or a file of it can't be read", exception);
        }
    }

    public static void WriteList(string listPath, string archiveSha256, IEnumerable<HashedFile> files)
    {
        using var file = new FileStream(listPath, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        using var list = new StreamWriter(file);
        list.WriteLine(ArchiveLine(archiveSha256));
        foreach (var each in files)
        {
            list.WriteLine(each.Sha256 + Separator + each.Name);
        }

        list.Flush();
        file.Flush(flushToDisk: true);
    }

    private static string ArchiveLine(string sha256) => $"# the files of {sha256}";

    /// <summary>Whether they are what they were: a disk may lie, and other processes may write.</summary>
    public bool AreIntact(CancellationToken cancellationToken)
    {
        foreach (var file in Files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var content = new FileStream(
                System.IO.Path.Combine(Folder, file.Name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);
            if (Convert.ToHexStringLower(SHA256.HashData(content)) != file.Sha256)
            {
                return false;
            }
        }

        return true;
    }
}
