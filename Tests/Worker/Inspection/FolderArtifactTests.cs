using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Tests.Worker.Inspection;

public sealed class FolderArtifactTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("version-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Folder_with_data_files_is_a_tar_of_what_the_model_names_whenever_it_is_made()
    {
        var files = ExternalModel.Files(scale: 3, shift: 10);
        var first = await ReadAsync("a", files);
        File.WriteAllText(Path.Combine(_folder, "a", "labels.txt"), "one");

        var second = await ReadAsync("b", [("README.md", [1]), .. files.Reverse()]);

        Assert.Equal(first, second);
        Assert.Equal(ArtifactFormat.Tar, ArtifactFormats.Of(first));
        Assert.Equal(Path.Combine(_folder, "b"), ArtifactOf("b").Inspected);
        var archive = Path.Combine(_folder, "archive");
        File.WriteAllBytes(archive, first);
        var extracted = ModelArchive.Extract(archive, Path.Combine(_folder, "c"), 1 << 20, TestContext.Current.CancellationToken);
        Assert.Equal(["model.onnx", ExternalModel.Data, ExternalModel.MoreData], extracted.Select(f => f.Name));
        Assert.All(files, f => Assert.Equal(f.Content, File.ReadAllBytes(Path.Combine(_folder, "c", f.Name))));
    }

    [Fact]
    public async Task Model_of_one_file_is_that_file_whatever_lies_beside_it()
    {
        var model = OnnxFile.Add(1);

        Assert.Equal(model, await ReadAsync("a", [("model.onnx", model), ("labels.txt", [1])]));
        Assert.Equal(Path.Combine(_folder, "a", "model.onnx"), ArtifactOf("a").Inspected);
    }

    private FolderArtifact ArtifactOf(string version) =>
        FolderArtifact.Of(new ModelFile("m", "1", Path.Combine(_folder, version, "model.onnx")), SmallModels.Limits);

    private async Task<byte[]> ReadAsync(string version, (string Name, byte[] Content)[] files)
    {
        foreach (var (name, content) in files)
        {
            var path = Path.Combine(_folder, version, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
        }

        using var bytes = new MemoryStream();
        await using var artifact = ArtifactOf(version).Open();
        await artifact.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return bytes.ToArray();
    }
}
