using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Tests.Worker;

public sealed class FolderModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("models-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Model_without_a_description_says_nothing()
    {
        var model = FolderModel.Of(Put(null));

        Assert.Null(model.Stable);
        Assert.Empty(model.Aliases);
        Assert.Empty(model.Labels);
    }

    [Fact]
    public void Description_names_the_stable_version_aliases_and_labels()
    {
        var model = FolderModel.Of(Put("""{"stable":"2","aliases":{"half":"3"},"labels":{"3":{"precision":"fp16"}}}"""));

        Assert.Equal(("2", "3", "fp16"), (model.Stable, model.Aliases["half"], model.Labels["3"]["precision"]));
    }

    [Theory]
    [InlineData("nonsense", "can't be read")]
    [InlineData("""{"stabel":"2"}""", "stabel")]
    [InlineData("""{"stable":2}""", "stable")]
    [InlineData("""{"aliases":{"3":"2"}}""", "the alias '3' must be")]
    [InlineData("""{"aliases":null}""", "aliases")]
    [InlineData("""{"aliases":{"half":null}}""", "the alias 'half' names no version")]
    [InlineData("""{"labels":null}""", "labels")]
    [InlineData("""{"labels":{"3":null}}""", "each label of version '3' must be a text without U+0000")]
    [InlineData("""{"labels":{"3":{"precision":null}}}""", "each label of version '3' must be a text without U+0000")]
    [InlineData("""{"labels":{"3":{"precision":"fp\u0000"}}}""", "each label of version '3' must be a text without U+0000")]
    public void Description_that_is_wrong_is_refused_by_its_name(string json, string text)
    {
        var exception = Assert.Throws<InvalidDataException>(() => FolderModel.Of(Put(json)));

        Assert.StartsWith("a/model.json", exception.Message, StringComparison.Ordinal);
        Assert.Contains(text, exception.Message, StringComparison.Ordinal);
    }

    private ModelFile Put(string? json)
    {
        var version = Directory.CreateDirectory(Path.Combine(_folder, "a", "1")).FullName;
        if (json is not null)
        {
            File.WriteAllText(Path.Combine(_folder, "a", FolderModel.FileName), json);
        }

        return new ModelFile("a", "1", Path.Combine(version, ModelFile.FileName));
    }
}
