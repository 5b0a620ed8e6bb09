using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Text;

namespace InferenceTemplate.Tests.Worker.Text;

public sealed class TextInstanceTests
{
    [Fact]
    public void Mean_is_that_of_the_texts_own_tokens_and_neither_of_padding()
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([TextModel.Request("a", "b a?"), TextModel.Request("B")]);

        // [CLS] and [SEP] are zeros; the question mark is unknown, hence 1.
        Assert.Equal([3, 2], outputs[0].GetTensorTypeAndShape().Shape);
        Assert.Equal(
            [4 / 3f, 0, 5 / 5f, 8 / 5f, 0, 8 / 3f], outputs[0].GetTensorDataAsSpan<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([3L, 5L, 3L], outputs[1].GetTensorDataAsSpan<long>().ToArray());
    }

    [Theory]
    [InlineData("""{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "cls"}""", 0, 0)]
    [InlineData("""{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean"}""", 0.4472136f, 0.8944272f)]
    public void Pooling_and_length_are_those_of_the_settings(string settings, float first, float second)
    {
        using var model = TextModel.Small(settings: settings);
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([TextModel.Request("a b")]);

        Assert.Equal([first, second], outputs[0].GetTensorDataAsSpan<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Theory]
    [InlineData("", "text 1 of input 'text' is empty")]
    [InlineData("a a a a a a a", "text 1 of input 'text' has more than 8 tokens: shorten it")]
    public void Text_that_can_not_be_embedded_is_refused_by_its_place(string text, string reason)
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();

        var refused = Assert.Throws<RefusedInputException>(() => instance.Run([TextModel.Request("a", text)]));

        Assert.StartsWith(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_are_taken_as_they_are_beside_texts()
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var outputs = instance.Run(
            [TextModel.Request((byte[][])[EmbeddingSignature.ElementOf([4, 5]), [.. "a"u8], EmbeddingSignature.ElementOf([2, 4, 3])])]);

        var embeddings = outputs[0].GetTensorDataAsSpan<float>().ToArray();
        Assert.Equal([2, 4], embeddings[..2]);
        Assert.Equal(embeddings[2..4], embeddings[4..]);
        Assert.Equal([2L, 3L, 3L], outputs[1].GetTensorDataAsSpan<long>().ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 4, 0, 0, 0, 6, 0, 0, 0 }, "has the token id 6 at 1; those of the model are 0 to 5")]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, "has the token id -1 at 0; those of the model are 0 to 5")]
    [InlineData(new byte[] { 0xFF }, "is empty: it has no token")]
    [InlineData(new byte[] { 0xFF, 4, 0, 0 }, "begins with 0xFF as token ids do, of 4 bytes each, but 3 bytes follow")]
    public void Tokens_that_can_not_be_are_refused(byte[] element, string reason)
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();

        var refused = Assert.Throws<RefusedInputException>(() => instance.Run([TextModel.Request((byte[][])[[.. "a"u8], element])]));

        Assert.StartsWith($"text 1 of input 'text' {reason}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TextSettings.Refuse)]
    [InlineData(TextSettings.Truncate)]
    public void Tokens_are_limited_as_texts_are(string tooLong)
    {
        var settings = TextModel.Settings.Replace("}", $", \"too_long\": \"{tooLong}\"}}", StringComparison.Ordinal);
        using var model = TextModel.Small(settings: settings);
        using var session = model.Open();
        using var instance = session.CreateInstance();
        var request = TextModel.Request((byte[][])[EmbeddingSignature.ElementOf([5, 5, 5, 5, 5, 5, 5, 5, 4])]);

        if (tooLong == TextSettings.Refuse)
        {
            var refused = Assert.Throws<RefusedInputException>(() => instance.Run([request]));
            Assert.StartsWith("text 0 of input 'text' has more than 8 tokens", refused.Message, StringComparison.Ordinal);
            return;
        }

        using var outputs = instance.Run([request]);
        Assert.Equal([0f, 8f], outputs[0].GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal([8L], outputs[1].GetTensorDataAsSpan<long>().ToArray());
    }

    [Fact]
    public void Tokens_of_a_whole_text_are_cut_as_the_text_is()
    {
        using var model = TextModel.Small(
            settings: TextModel.Settings.Replace("}", $", \"too_long\": \"{TextSettings.Truncate}\"}}", StringComparison.Ordinal));
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var outputs = instance.Run(
            [TextModel.Request((byte[][])[[.. "a a a a a a a"u8], EmbeddingSignature.ElementOf([2, 4, 4, 4, 4, 4, 4, 4, 3])])]);

        var embeddings = outputs[0].GetTensorDataAsSpan<float>().ToArray();
        Assert.Equal(embeddings[..2], embeddings[2..]);
        Assert.Equal([8L, 8L], outputs[1].GetTensorDataAsSpan<long>().ToArray());
    }

    [Fact]
    public void Bad_utf8_and_too_many_texts_are_refused()
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();

        var bad = Assert.Throws<RefusedInputException>(() => instance.Run([TextModel.Request((byte[][])[[0xFE]])]));
        var many = Assert.Throws<RefusedInputException>(() => instance.Run([TextModel.Request([.. Enumerable.Repeat("a", 2049)])]));
        var none = Assert.Throws<RefusedInputException>(() => instance.Run([TextModel.Request(Array.Empty<string>())]));

        Assert.Equal("text 0 of input 'text' is not UTF-8 at byte 0", bad.Message);
        Assert.Equal("input 'text' has 2049 texts; 1 to 2048 are possible", many.Message);
        Assert.StartsWith("input 'text' has 0 texts", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_text_is_cut_off_where_the_settings_say_so()
    {
        var settings = TextModel.Settings.Replace("}", """, "too_long": "truncate"}""", StringComparison.Ordinal);
        using var model = TextModel.Small(settings: settings);
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([TextModel.Request("a a a a a a b b b", "a a a a a a")]);

        Assert.Equal([8L, 8L], outputs[1].GetTensorDataAsSpan<long>().ToArray());
        Assert.Equal([3, 0, 3, 0], outputs[0].GetTensorDataAsSpan<float>().ToArray());
    }

    [Fact]
    public void Only_what_is_asked_for_is_answered_in_the_order_asked()
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var counts = instance.Run([TextModel.Request("a")], [1]);
        using var both = instance.Run([TextModel.Request("a")], [1, 0]);

        Assert.Equal(3L, Assert.Single(counts).GetTensorDataAsSpan<long>()[0]);
        Assert.Equal((3L, 4 / 3f), (both[0].GetTensorDataAsSpan<long>()[0], both[1].GetTensorDataAsSpan<float>()[0]));
    }

    [Fact]
    public void Run_that_was_ended_cuts_no_more_texts()
    {
        using var model = TextModel.Small();
        using var session = model.Open();
        using var instance = session.CreateInstance();
        using var ended = new CancellationTokenSource();
        ended.Cancel();

        // Else the text would be refused.
        Assert.Throws<OperationCanceledException>(() => instance.Run([TextModel.Request("")], terminate: ended.Token));
    }

    [Fact]
    public void Embeddings_of_more_than_one_width_are_the_models_failure_and_never_rows_of_another()
    {
        using var model = TextModel.Small(
            TextModel.AsWideAsLong.ToBytes(), """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 64, "pooling": "none"}""");
        using var session = model.Open();
        using var instance = session.CreateInstance();

        var longText = string.Join(' ', Enumerable.Repeat("a", 20));

        foreach (var texts in (string[][])[["a", longText], [longText, "a"]])
        {
            var failed = Assert.Throws<InvalidDataException>(() => instance.Run([TextModel.Request(texts)]));
            Assert.StartsWith("its embeddings have", failed.Message, StringComparison.Ordinal);
            Assert.Equal(RunFailure.Input, RunFailures.Classify(failed));
        }
    }

    [Theory]
    [InlineData(16, 1024)]
    [InlineData(256, 64)]
    [InlineData(512, 32)]
    [InlineData(1024, 8)]
    [InlineData(2048, 2)]
    [InlineData(4096, 1)]
    [InlineData(8192, 1)]
    public void Long_texts_run_in_fewer_than_their_tokens_alone_would_let(int length, int texts) =>
        Assert.Equal(texts, TextInstance.TextsOfRun(length));

    [Theory]
    [InlineData(1, 16)]
    [InlineData(17, 32)]
    [InlineData(33, 48)]
    [InlineData(49, 64)]
    [InlineData(65, 96)]
    [InlineData(97, 128)]
    [InlineData(129, 192)]
    [InlineData(193, 256)]
    [InlineData(257, 384)]
    [InlineData(385, 500)]
    public void Text_is_padded_to_its_own_length_and_never_beyond_the_most(int tokens, int padded) =>
        Assert.Equal(padded, PaddedLength.Of(tokens, 500));
}
