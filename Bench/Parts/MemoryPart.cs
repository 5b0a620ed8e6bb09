using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

/// <summary>Whether memory grows with the requests, once the heaps have what the load needs: the slope of the second half.</summary>
internal static class MemoryPart
{
    private const int Callers = 64;
    private const int Samples = 20;

    private static readonly string[] Services = ["api", "worker"];

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        var requests = stage.Options.Quick ? 100_000 : 1_000_000;
        stage.Report.Section($"memory over {requests:N0} requests: Api and Worker together, the second half of {Samples} samples");
        var target = product.Json(stage.Models.Tiny);
        List<double> resident = [], heap = [];
        for (var sample = 0; sample < Samples; sample++)
        {
            await SendAsync(target, requests / Samples);
            resident.Add(await ResidentAsync(product) / 1e6);
            heap.Add(await HeapAsync(product) / 1e6);
        }

        Add(stage, "memory.resident", resident);
        Add(stage, "memory.heap", heap);
    }

    private static void Add(Stage stage, string name, List<double> samples)
    {
        var half = samples.Skip(Samples / 2).ToList();
        stage.Report.Add($"{name}.first", samples[0], "MB");
        stage.Report.Add($"{name}.middle", half[0], "MB");
        stage.Report.Add($"{name}.last", samples[^1], "MB");
        var growth = 100 * Slope(half) * (half.Count - 1) / half.Average();
        stage.Report.Add($"{name}.growth", growth, "% over the second half, by least squares");
    }

    private static double Slope(List<double> values)
    {
        var (middle, mean) = ((values.Count - 1) / 2.0, values.Average());
        return values.Select((value, i) => (i - middle) * (value - mean)).Sum() / values.Select((_, i) => Math.Pow(i - middle, 2)).Sum();
    }

    private static async Task SendAsync(Target target, int requests)
    {
        for (var sent = 0; sent < requests;)
        {
            sent += (await ClosedLoop.RunAsync(target, Callers, TimeSpan.FromSeconds(1))).Accepted.Length;
        }
    }

    private static async Task<double> ResidentAsync(Product product) =>
        (await ProductProcesses.FindAsync(product)).Where(p => Services.Contains(p.Name)).Sum(p => (double)p.Process.WorkingSet64);

    // What was alive after the last collection.
    private static async Task<double> HeapAsync(Product product) =>
        await Metrics.ReadAsync(product.Api, "dotnet_gc_last_collection_heap_size_bytes")
        + await Metrics.ReadAsync(product.Worker, "dotnet_gc_last_collection_heap_size_bytes");
}
