using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Text;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Tests.Worker.Text;

/// <summary>A real model, against ONNX Runtime called directly.</summary>
public sealed class MiniLmTests : IDisposable
{
    private static readonly string[] s_texts =
    [
        "A cat.", Long(60), "A kitten.", "Stocks fell today.", Long(200), "Pay 5 € + $3!", Long(24), "Ein Kätzchen schläft.", Long(120),
        "x",
    ];

    private readonly TextModel _model = new(MiniLm.Files());
    private readonly ModelSession _session;
    private readonly IModelInstance _instance;

    public MiniLmTests()
    {
        _session = _model.Open();
        _instance = _session.CreateInstance();
    }

    public void Dispose()
    {
        _instance.Dispose();
        _session.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Embeddings_are_those_of_the_runtime_itself()
    {
        var embeddings = Embed(TextModel.Request(s_texts));

        for (var i = 0; i < s_texts.Length; i++)
        {
            Assert.InRange(Cosine(embeddings[i], Reference(s_texts[i])), 0.9999, 1.0001);
            Assert.Equal(1, Math.Sqrt(embeddings[i].Sum(x => x * x)), 1e-5);
        }

        Assert.InRange(Cosine(embeddings[0], embeddings[2]), 0.7, 0.9);
        Assert.InRange(Cosine(embeddings[0], embeddings[3]), -0.2, 0.2);
    }

    [Fact]
    public void Long_and_short_texts_of_one_batch_come_out_in_order_and_as_alone()
    {
        var alone = s_texts.Select(text => Embed(TextModel.Request(text))[0]).ToArray();
        var random = new Random(5);
        for (var round = 0; round < 3; round++)
        {
            var order = Enumerable.Range(0, s_texts.Length).OrderBy(_ => random.Next()).ToArray();

            var together = Embed(
                TextModel.Request([.. order[..4].Select(i => s_texts[i])]), TextModel.Request(s_texts[order[4]]),
                TextModel.Request([.. order[5..].Select(i => s_texts[i])]));

            for (var row = 0; row < order.Length; row++)
            {
                Assert.Equal(alone[order[row]], together[row], (a, b) => Math.Abs(a - b) < 1e-5);
            }
        }
    }

    [Fact]
    public async Task Inspection_accepts_it_with_the_signature_of_text_and_proves_its_rows_independent()
    {
        var inspector = new ModelInspector(
            Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
            TimeProvider.System);

        var report = await inspector.InspectAsync(_model.Folder, samplePath: null, TestContext.Current.CancellationToken);

        Assert.Null(report.Reason);
        Assert.True(EmbeddingSignature.IsOf(report.Model!.Signature));
        Assert.Equal([-1, MiniLm.Dimensions], report.Model.Signature.Outputs[0].Shape);
        Assert.True(report.Model.Batching!.Independent, report.Model.Batching.Reason);
    }

    private static string Long(int words) =>
        string.Join(' ', Enumerable.Range(0, words).Select(i => ((string[])["market", "river", "seven", "quiet", "engine"])[(i * i) % 5]));

    private float[][] Embed(params InferenceTemplate.Core.Tensors.Tensor[][] batch)
    {
        using var outputs = _instance.Run(batch);
        return [.. outputs[0].GetTensorDataAsSpan<float>().ToArray().Chunk(MiniLm.Dimensions)];
    }

    // Without padding, and pooled in the plainest way.
    private float[] Reference(string text)
    {
        var path = Path.Combine(_model.Folder, "model.onnx");
        var vocabulary = TextPipeline.Read(path, ExternalFiles.Beside(path)).Vocabulary;
        var pieces = new List<int>();
        new WordPieceTokenizer(vocabulary, lowercase: true).Encode(Encoding.UTF8.GetBytes(text), 1000, pieces);
        long[] ids = [101, .. pieces, 102];
        using var session = new InferenceSession(MiniLm.Model);
        using var input = OrtValue.CreateTensorValueFromMemory(ids, [1, ids.Length]);
        using var mask = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, ids.Length).ToArray(), [1, ids.Length]);
        using var types = OrtValue.CreateTensorValueFromMemory(new long[ids.Length], [1, ids.Length]);
        using var options = new RunOptions();
        using var outputs = session.Run(
            options, ["input_ids", "attention_mask", "token_type_ids"], [input, mask, types], ["last_hidden_state"]);
        var values = outputs[0].GetTensorDataAsSpan<float>();
        var mean = new float[MiniLm.Dimensions];
        for (var i = 0; i < values.Length; i++)
        {
            mean[i % mean.Length] += values[i] / ids.Length;
        }

        return mean;
    }

    private static double Cosine(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(y => (double)y * y));
}
