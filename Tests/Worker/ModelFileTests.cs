using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Tests.Worker;

public sealed class ModelFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("models-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Find_orders_versions_as_numbers()
    {
        Put("b/10/model.onnx");
        Put("b/9/model.onnx");
        Put("a/1/model.onnx");
        Put("a/README.md");

        Assert.Equal(["a/1", "b/9", "b/10"], ModelFile.Find(_folder).Select(f => $"{f.Model}/{f.Version}"));
    }

    [Theory]
    [InlineData("model.onnx")]
    [InlineData("a/model.onnx")]
    [InlineData("a/0/model.onnx")]
    [InlineData("a/one/model.onnx")]
    [InlineData("a/1/2/model.onnx")]
    [InlineData(".a/1/model.onnx")]
    public void Find_says_where_a_file_should_be_when_it_is_elsewhere(string path)
    {
        Put(path);

        var exception = Assert.Throws<InvalidDataException>(() => ModelFile.Find(_folder));

        Assert.Contains("{model}/{version}/model.onnx", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_says_which_setting_is_wrong_when_the_folder_is_missing()
    {
        var exception = Assert.Throws<DirectoryNotFoundException>(() => ModelFile.Find(Path.Combine(_folder, "none")));

        Assert.Contains("Worker:ModelsDirectory", exception.Message, StringComparison.Ordinal);
    }

    private void Put(string path)
    {
        var file = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "");
    }
}
