using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

internal static class BatchingPart
{
    private const int Callers = 16;
    private const int Full = 32;

    public static async Task RunAsync(Stage stage)
    {
        var on = await stage.ProductAsync();
        await using var off = await Product.StartAsync(stage.Models.Path, ("Worker__MaxBatchSize", "1"));
        stage.Report.Section($"batching on and off, c = {Callers}, binary");
        foreach (var model in (BenchModel[])[stage.Models.Heavy, stage.Models.Convnet, stage.Models.Tiny])
        {
            await CompareAsync(stage, model, on, off);
        }

        await AgainstRawAsync(stage, on);
    }

    private static async Task CompareAsync(Stage stage, BenchModel model, Product on, Product off)
    {
        var name = $"batching.{model.Name}";
        foreach (var measured in await Comparison.RunAsync(stage.Options, Callers, on.Binary(model, "on"), off.Binary(model, "off")))
        {
            stage.Report.Add($"{name}.{measured.Name}", measured.PerSecond, "req/s");
            stage.Report.Add($"{name}.{measured.Name}.p95", measured.Percentile(0.95), "ms");
        }

        stage.Report.AddRatio($"{name}.gain", $"{name}.on", $"{name}.off");
        stage.Report.AddRatio($"{name}.p95-gain", $"{name}.on.p95", $"{name}.off.p95");
    }

    // The raw runtime gets the batch that the product came to by itself, and the better of its two thread settings.
    private static async Task AgainstRawAsync(Stage stage, Product product)
    {
        var model = stage.Models.Heavy;
        stage.Report.Section($"heavy model: the product with {Full} callers against raw ONNX Runtime at the same batch");
        var before = await Metrics.BatchesAsync(product.Worker, model.Name);
        var measured = (await Comparison.RunAsync(stage.Options, Full, product.Binary(model)))[0];
        var after = await Metrics.BatchesAsync(product.Worker, model.Name);
        var batch = Math.Max(1, (int)Math.Round((after.Rows - before.Rows) / Math.Max(1, after.Runs - before.Runs)));

        double raw = 0;
        foreach (var threads in (int?[])[null, 1])
        {
            using var session = RawRuntimePart.Open(model, threads);
            raw = Math.Max(raw, RawRuntimePart.Measure(session, model, batch, stage.Options));
        }

        stage.Report.Add("heavy.batch", batch, "rows a run, on average");
        stage.Report.Add("heavy.product", measured.PerSecond, "req/s");
        stage.Report.Add("heavy.raw", raw, "rows/s");
        stage.Report.AddRatio("heavy.over-raw", "heavy.product", "heavy.raw");
    }
}
