using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

internal static class CpuPart
{
    private const int Callers = 64;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        await MeasureAsync(stage, product, product.Json(stage.Models.Tiny), "json");
        await MeasureAsync(stage, product, product.Binary(stage.Models.Tiny), "binary");
        await MeasureAsync(stage, product, product.Binary(stage.Models.Digits), "small");
    }

    private static async Task MeasureAsync(Stage stage, Product product, Target target, string form)
    {
        stage.Report.Section($"what one request costs at c = {Callers}: processor time and memory taken ({form})");
        await ClosedLoop.RunAsync(target, Callers, stage.Options.WarmUp * 4);

        var processes = await ProductProcesses.FindAsync(product);
        var memory = await AllocatedAsync(product);
        var before = processes.Select(p => (p.Name, p.Process, Time: p.Process.TotalProcessorTime)).ToList();
        var result = await ClosedLoop.RunAsync(target, Callers, stage.Options.Round * stage.Options.Rounds);
        double sum = 0;
        foreach (var (name, process, time) in before)
        {
            process.Refresh();
            var microseconds = (process.TotalProcessorTime - time).TotalMicroseconds / result.Accepted.Length;
            sum += microseconds;
            stage.Report.Add($"cpu.{form}.{name}", microseconds, "us a request");
        }

        stage.Report.Add($"cpu.{form}.all", sum, "us a request");
        // Counted when garbage is collected, which in a short round it may not be.
        foreach (var (name, bytes) in (await AllocatedAsync(product)).Where(allocated => allocated.Value > memory[allocated.Key]))
        {
            stage.Report.Add($"allocated.{form}.{name}", (bytes - memory[name]) / result.Accepted.Length, "bytes a request");
        }
    }

    private static async Task<Dictionary<string, double>> AllocatedAsync(Product product) => new(StringComparer.Ordinal)
    {
        ["api"] = await Metrics.ReadAsync(product.Api, "dotnet_gc_heap_total_allocated_bytes_total"),
        ["worker"] = await Metrics.ReadAsync(product.Worker, "dotnet_gc_heap_total_allocated_bytes_total"),
    };
}
