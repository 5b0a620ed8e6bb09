using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;

namespace InferenceTemplate.Bench.Parts;

internal static class ThroughputPart
{
    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        var usual = await stage.DefaultAsync();
        var tuned = await stage.TunedAsync();

        foreach (var target in (Target[])[product.Json(stage.Models.Tiny), product.Binary(stage.Models.Tiny),
            Bare(usual.Address, "default", "json", stage.Models.Tiny), Bare(tuned.Address, "tuned", "json", stage.Models.Tiny),
            Bare(usual.Address, "default", "binary", stage.Models.Tiny), Bare(tuned.Address, "tuned", "binary", stage.Models.Tiny)])
        {
            await WarmUp.RunAsync(stage.Options, target, 32);
        }

        stage.Report.Section("product against the bare server, closed loop");
        int[] callers = stage.Options.Quick ? [1, 64] : [1, 16, 64, 256, 1000];
        foreach (var connections in callers)
        {
            await CompareAsync(stage, stage.Models.Tiny, "json", connections, product.Json(stage.Models.Tiny),
                Bare(usual.Address, "default", "json", stage.Models.Tiny), Bare(tuned.Address, "tuned", "json", stage.Models.Tiny));
        }

        foreach (var connections in callers.Where(c => c is 64 or 256))
        {
            await CompareAsync(stage, stage.Models.Tiny, "binary", connections, product.Binary(stage.Models.Tiny),
                Bare(usual.Address, "default", "binary", stage.Models.Tiny), Bare(tuned.Address, "tuned", "binary", stage.Models.Tiny));
        }

        await CompareAsync(stage, stage.Models.Digits, "json", 64, product.Json(stage.Models.Digits),
            Bare(usual.Address, "default", "json", stage.Models.Digits), Bare(tuned.Address, "tuned", "json", stage.Models.Digits));
        foreach (var form in (string[])["json", "binary"])
        {
            await CompareAsync(stage, stage.Models.Large, form, 16,
                form == "json" ? product.Json(stage.Models.Large) : product.Binary(stage.Models.Large),
                Bare(usual.Address, "default", form, stage.Models.Large), Bare(tuned.Address, "tuned", form, stage.Models.Large));
        }
    }

    private static Target Bare(Uri server, string name, string form, BenchModel model) => Target.Create(
        name, server, $"/{form}/{model.Name}", form == "json" ? model.Json : model.Binary,
        form == "json" ? "Content-Type: application/json" : "Content-Type: application/octet-stream");

    private static async Task CompareAsync(Stage stage, BenchModel model, string form, int connections, params Target[] targets)
    {
        var name = $"{model.Name}.{form}.c{connections}";
        foreach (var measured in await Comparison.RunAsync(stage.Options, connections, targets))
        {
            stage.Report.Add($"{name}.{measured.Name}", measured.PerSecond, "req/s");
            stage.Report.Add($"{name}.{measured.Name}.p50", measured.Percentile(0.5), "ms");
            stage.Report.Add($"{name}.{measured.Name}.p99", measured.Percentile(0.99), "ms");
            if (measured.Failed > 0)
            {
                stage.Report.Add($"{name}.{measured.Name}.failed", measured.Failed, "requests");
            }
        }

        stage.Report.AddRatio($"{name}.over-default", $"{name}.product", $"{name}.default");
        stage.Report.AddRatio($"{name}.over-tuned", $"{name}.product", $"{name}.tuned");
        stage.Report.AddRatio($"{name}.p50-over-tuned", $"{name}.product.p50", $"{name}.tuned.p50");
        stage.Report.AddRatio($"{name}.p99-over-default", $"{name}.product.p99", $"{name}.default.p99");
    }
}
