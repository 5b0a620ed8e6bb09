using System.Diagnostics;
using System.Text;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;
using InferenceTemplate.Tests.Shared;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Bench.Parts;

/// <summary>Embeddings of texts of mixed lengths by all-MiniLM-L6-v2, one text a request, with batches and without.</summary>
internal static class EmbeddingsPart
{
    private const int Callers = 64;
    private const int Texts = 256;
    private const int MostWords = 128;
    private const int Batch = 16;
    private const int Length = 32;

    private static readonly string[] s_words =
        ["the", "market", "cat", "opened", "river", "of", "letters", "and", "a", "network", "slowly", "under", "seven", "lamps"];

    public static async Task RunAsync(Stage stage)
    {
        using var models = new FilesOfModel("minilm", MiniLm.Files());
        await using var on = await Product.StartAsync(models.Path);
        await using var off = await Product.StartAsync(models.Path, ("Worker__MaxBatchSize", "1"));
        stage.Report.Section($"embeddings of texts of 2 to {MostWords} words, c = {Callers}, batching on and off");
        (string Name, List<Target> Requests, List<double> Rates)[] sides =
            [("on", Requests(on), []), ("off", Requests(off), [])];
        foreach (var (_, requests, _) in sides)
        {
            await MixedLoop.RunAsync(requests, Callers, stage.Options.WarmUp, "embedding");
        }

        var before = await Metrics.BatchesAsync(on.Worker, "minilm");
        for (var round = 0; round < stage.Options.Rounds; round++)
        {
            foreach (var (_, requests, rates) in sides)
            {
                rates.Add(await MixedLoop.RunAsync(requests, Callers, stage.Options.Round * 5, "embedding"));
            }
        }

        var after = await Metrics.BatchesAsync(on.Worker, "minilm");
        stage.Report.Add(
            "embeddings.batch", (after.Rows - before.Rows) / Math.Max(1, after.Runs - before.Runs), "texts a batch, on average");
        foreach (var (name, _, rates) in sides)
        {
            stage.Report.Add($"embeddings.{name}", Comparison.Median(rates), "texts/s");
        }

        stage.Report.AddRatio("embeddings.gain", "embeddings.on", "embeddings.off");
        RawBatches(stage);
    }

    // What a batch gains without any of the product: the model alone, over texts of one length.
    private static void RawBatches(Stage stage)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(MiniLm.Model, options);
        foreach (var batch in (int[])[1, Batch])
        {
            var inputs = session.InputMetadata.Keys.ToDictionary(name => name, name => OrtValue.CreateTensorValueFromMemory(
                Enumerable.Repeat(name == "token_type_ids" ? 0L : 1L, batch * Length).ToArray(), [batch, Length]));
            using var run = new RunOptions();
            var runs = 0;
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < stage.Options.WarmUp)
            {
                using var outputs = session.Run(run, inputs, session.OutputNames);
                runs++;
            }

            stage.Report.Add(
                $"embeddings.raw.{batch}", runs * batch / Stopwatch.GetElapsedTime(start).TotalSeconds,
                $"texts/s of {Length} tokens, the model alone, {batch} a run");
            foreach (var input in inputs.Values)
            {
                input.Dispose();
            }
        }

        stage.Report.AddRatio("embeddings.raw.gain", $"embeddings.raw.{Batch}", "embeddings.raw.1");
    }

    // As many short ones as long ones by the logarithm of their length: most are short, as texts are.
    private static List<Target> Requests(Product product)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, Texts).Select(_ =>
        {
            var words = (int)Math.Pow(2, 1 + (random.NextDouble() * (Math.Log2(MostWords) - 1)));
            var text = string.Join(' ', Enumerable.Range(0, words).Select(_ => s_words[random.Next(s_words.Length)]));
            return product.Post(
                "embeddings", "/v1/embeddings", Encoding.UTF8.GetBytes(
                    $$"""{"model":"minilm","input":"{{text}}","encoding_format":"base64"}"""));
        })];
    }
}
