using System.Formats.Tar;
using System.IO.Compression;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Models;

/// <summary>The zip or tar in which a model of several files came: regular files by plain names, and no more bytes than are allowed.</summary>
internal static class ModelArchive
{
    // Of what describes the files: for a zip all of them, for a tar one.
    private const int MaxZipDirectoryBytes = 4 << 20;
    private const int MaxTarHeaderBytes = 64 << 10;

    // Of a header of a tar.
    private const int TarBlock = 512;
    private const int TarSize = 124;
    private const int TarSizeDigits = 12;
    private const int TarType = 156;
    private const int TarMagic = 257;

    private const int UnixTypeShift = 16;
    private const int UnixTypeMask = 0xF000;
    private const int UnixRegularFile = 0x8000;

    /// <summary>Writes the files beneath a folder that does not exist yet. Where they are refused, it does not exist afterwards.</summary>
    /// <param name="maxBytes">Of all files together, counted as they are written, whatever the archive says.</param>
    /// <exception cref="ModelRefusedException">It is not an archive of this kind.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static IReadOnlyList<HashedFile> Extract(string archive, string folder, long maxBytes, CancellationToken cancellationToken)
    {
        var target = new ExtractedFolder(folder, maxBytes, cancellationToken);
        try
        {
            var format = ArtifactFormats.OfFile(archive);
            using var file = new MeteredFile(archive) { Checked = format == ArtifactFormat.Tar ? CheckTarHeader : null };
            if (format == ArtifactFormat.Zip)
            {
                ExtractZip(file, target);
            }
            else
            {
                ExtractTar(file, target);
            }

            ModelFolder.FindModel(folder);
            return target.Files;
        }
        catch (Exception exception)
        {
            Directory.Delete(folder, recursive: true);
            if (exception is InvalidDataException or EndOfStreamException or NotSupportedException or FormatException or ArgumentException
                or OverflowException or InvalidOperationException or OutOfMemoryException)
            {
                throw new ModelRefusedException($"the archive can't be read: {exception.Message}");
            }

            throw;
        }
    }

    private static void ExtractZip(MeteredFile file, ExtractedFolder target)
    {
        file.Allowance = MaxZipDirectoryBytes;
        using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
        var entries = zip.Entries;
        file.Allowance = long.MaxValue;
        foreach (var entry in entries.Where(e => !e.FullName.EndsWith('/')))
        {
            if (((entry.ExternalAttributes >> UnixTypeShift) & UnixTypeMask) is not (0 or UnixRegularFile))
            {
                throw ExtractedFolder.NoRegularFile(entry.FullName);
            }

            if (entry.IsEncrypted)
            {
                throw new ModelRefusedException("the archive is encrypted");
            }

            using var content = entry.Open();
            target.Write(entry.FullName, content, entry.Length, entry.Crc32);
        }
    }

    private static void ExtractTar(MeteredFile file, ExtractedFolder target)
    {
        using var tar = new TarReader(file, leaveOpen: true);
        while (Next(tar, file) is { } entry)
        {
            switch (entry.EntryType)
            {
                case TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes:
                    break;
                case TarEntryType.RegularFile or TarEntryType.V7RegularFile:
                    target.Write(entry.Name, entry.DataStream ?? Stream.Null, entry.Length);
                    break;
                default:
                    throw ExtractedFolder.NoRegularFile(entry.Name);
            }
        }
    }

    // Of a header that describes the next one, the reader asks for as much memory as it says before it reads any of it.
    private static void CheckTarHeader(ReadOnlySpan<byte> read)
    {
        if (read.Length != TarBlock || !read[TarMagic..].StartsWith("ustar"u8) || read[TarType] is not ((byte)'x' or (byte)'g' or (byte)'L' or (byte)'K'))
        {
            return;
        }

        long size = 0;
        foreach (var digit in read.Slice(TarSize, TarSizeDigits).Trim(" \0"u8))
        {
            // Larger ones are not written in octal digits at all.
            size = digit is >= (byte)'0' and <= (byte)'7' ? (size * 8) + digit - '0' : long.MaxValue;
            if (size > MaxTarHeaderBytes)
            {
                throw MeteredFile.TooLarge();
            }
        }
    }

    private static TarEntry? Next(TarReader tar, MeteredFile file)
    {
        file.Allowance = MaxTarHeaderBytes;
        var entry = tar.GetNextEntry(copyData: false);
        file.Allowance = long.MaxValue;
        return entry;
    }
}
