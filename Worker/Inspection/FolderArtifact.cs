using System.Formats.Tar;
using InferenceTemplate.Core;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// A version of the models folder as it is stored: its ONNX file; where that keeps data in files beside it, has inputs made by some, or
/// generates text, a tar of them all. The tar depends on nothing but their names and content, since the registry knows the version by its
/// hash.
/// </summary>
internal sealed class FolderArtifact
{
    private readonly string _modelPath;
    private readonly string[] _data;

    private FolderArtifact(string modelPath, string[] data) => (_modelPath, _data) = (modelPath, data);

    /// <summary>What an inspection is to open: the file, or the folder that it does not leave.</summary>
    public string Inspected => _data.Length == 0 ? _modelPath : Folder;

    private string Folder => Path.GetDirectoryName(_modelPath)!;

    public static FolderArtifact Of(ModelFile file, InspectionLimits limits)
    {
        var beside = ExternalFiles.Beside(file.Path);
        try
        {
            OnnxScanner.Scan(file.Path, limits, beside);
        }
        catch (ModelRefusedException)
        {
            // The inspection says why.
        }

        IEnumerable<string> others = beside.Has(GenerationConfig.FileName)
            ? beside.Names.Order(StringComparer.Ordinal)
            : Preprocessors.FilesBeside(file.Path, beside);
        return new(file.Path, [.. beside.Used.Union(others, StringComparer.Ordinal)]);
    }

    /// <summary>The bytes, to be read once.</summary>
    public Stream Open() => _data.Length == 0 ? File.OpenRead(_modelPath) : new ProducedStream(WriteAsync);

    private async Task WriteAsync(Stream target, CancellationToken cancellationToken)
    {
        await using var tar = new TarWriter(target, TarEntryFormat.Gnu, leaveOpen: true);
        foreach (var name in (string[])[ModelFile.FileName, .. _data])
        {
            await using var content = File.OpenRead(Path.Combine(Folder, name));
            await tar.WriteEntryAsync(
                new GnuTarEntry(TarEntryType.RegularFile, name)
                {
                    DataStream = content,
                    ModificationTime = DateTimeOffset.UnixEpoch,
                    AccessTime = DateTimeOffset.UnixEpoch,
                    ChangeTime = DateTimeOffset.UnixEpoch,
                },
                cancellationToken);
        }
    }
}
