using System.Text;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Inspection;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Tests.Worker.Text;

/// <summary>What an inspection refuses of models that take text, since no caller could tell a wrong embedding.</summary>
public sealed class TextModelRefusalTests
{
    [Theory]
    [InlineData(
        """{"tokenizer": "bpe", "lowercase": true, "max_tokens": 8, "pooling": "mean"}""",
        "tokenizer is 'bpe'; possible: wordpiece")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "max"}""",
        "pooling is 'max'; possible: mean, cls, none")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 7, "pooling": "mean"}""",
        "max_tokens is 7; 8 to 8192 are possible")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "too_long": "wrap"}""",
        "too_long is 'wrap'")]
    [InlineData(
        """{"tokenizer": "wordpiece", "max_tokens": 8, "pooling": "mean"}""",
        "text.json can't be read")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "lower": 1}""",
        "text.json can't be read")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "vocabulary": "../v"}""",
        "vocabulary is '../v'")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "vocabulary": "v"}""",
        "the vocabulary 'v' that text.json names is not there")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "vocabulary": "model.onnx"}""",
        "vocabulary is 'model.onnx', which is another file of the model")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "vocabulary": "Text.json"}""",
        "vocabulary is 'Text.json', which is another file of the model")]
    [InlineData(
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "none"}""",
        "pooling 'none' wants an output of FP32 with 2 dimensions; it has 'tokens' FP32 [-1,-1,2]")]
    public void Settings_that_can_not_be_are_refused(string settings, string reason) =>
        AssertRefused(TextModel.Small(settings: settings), reason);

    [Fact]
    public void Vocabulary_with_more_tokens_than_the_model_is_refused() => AssertRefused(
        TextModel.Small(words: TextModel.Words + "c\n"),
        "the vocabulary 'vocab.txt' has 7 tokens, and the model failed on the last of them");

    [Fact]
    public void Model_without_an_attention_mask_is_refused()
    {
        var model = new OnnxModel().Input("input_ids", OnnxModel.Int64, -1, -1).Output("tokens", OnnxModel.Float, -1, -1, 2)
            .Constant("table", new float[12], 6, 2).Node("Gather", ["table", "input_ids"], ["tokens"]);

        AssertRefused(TextModel.Small(model.ToBytes()), "it has no input 'attention_mask'");
    }

    [Fact]
    public void Model_with_an_input_that_text_does_not_fill_is_refused() => AssertRefused(
        TextModel.Small(TextModel.Table.Input("position_ids", OnnxModel.Int64, -1, -1).ToBytes()),
        "its input 'position_ids' is none of");

    [Fact]
    public void Model_whose_embedding_changes_with_padding_is_refused()
    {
        // The sum of all tokens, masked ones too, is taken from each.
        var model = new OnnxModel()
            .Input("input_ids", OnnxModel.Int64, -1, -1).Input("attention_mask", OnnxModel.Int64, -1, -1)
            .Output("out", OnnxModel.Float, -1, -1, 2)
            .Constant("table", [99, -99, 1, 0, 0, 0, 0, 0, 4, 0, 0, 8], 6, 2).Integers("axis", [1], 1)
            .Node("Gather", ["table", "input_ids"], ["tokens"])
            .Node("ReduceSum", ["tokens", "axis"], ["sum"], ("keepdims", 1))
            .Node("Sub", ["tokens", "sum"], ["out"]);

        AssertRefused(TextModel.Small(model.ToBytes()), "padding behind a text changes its embedding");
    }

    [Fact]
    public void Model_whose_embedding_is_as_wide_as_its_text_is_long_is_refused() => AssertRefused(
        TextModel.Small(
            TextModel.AsWideAsLong.ToBytes(),
            """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "none"}"""),
        "its embedding of one text has 5 numbers, and 8 where padding is behind it");

    [Fact]
    public async Task Links_are_neither_stored_nor_read()
    {
        using var elsewhere = TextModel.Small();
        using var model = TextModel.Small();
        var path = Path.Combine(model.Folder, "model.onnx");
        void Link(string name)
        {
            File.Delete(Path.Combine(model.Folder, name));
            File.CreateSymbolicLink(Path.Combine(model.Folder, name), Path.Combine(elsewhere.Folder, name));
        }

        Link("vocab.txt");
        var artifact = FolderArtifact.Of(new ModelFile("m", "1", path), SmallModels.Limits);
        await using var content = artifact.Open();
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, TestContext.Current.CancellationToken);

        Assert.DoesNotContain("vocab.txt", Encoding.Latin1.GetString(bytes.ToArray()), StringComparison.Ordinal);
        Assert.Contains(
            "the vocabulary 'vocab.txt' that text.json names is not there, or a link",
            InspectionChild.Inspect(artifact.Inspected, SmallModels.Limits).Reason, StringComparison.Ordinal);

        Link("text.json");
        Assert.Equal(path, FolderArtifact.Of(new ModelFile("m", "1", path), SmallModels.Limits).Inspected);
        Assert.Null(Preprocessors.Beside(path, ImageLimits.Of(new())));
    }

    [Fact]
    public async Task Model_of_this_form_is_accepted_and_stored_with_its_files()
    {
        using var model = TextModel.Small();
        var artifact = FolderArtifact.Of(new ModelFile("m", "1", Path.Combine(model.Folder, "model.onnx")), SmallModels.Limits);

        Assert.Equal(model.Folder, artifact.Inspected);
        Assert.Null(InspectionChild.Inspect(artifact.Inspected, SmallModels.Limits).Reason);
        await using var content = artifact.Open();
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        var text = Encoding.Latin1.GetString(bytes.ToArray());
        Assert.All(["model.onnx", "text.json", "vocab.txt"], name => Assert.Contains(name, text, StringComparison.Ordinal));
    }

    private static void AssertRefused(TextModel model, string reason)
    {
        using (model)
        {
            var report = InspectionChild.Inspect(model.Folder, SmallModels.Limits);
            Assert.Contains(reason, report.Reason, StringComparison.Ordinal);
        }
    }
}
