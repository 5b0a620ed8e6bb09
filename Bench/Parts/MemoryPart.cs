using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

internal static class MemoryPart
{
    private const int Callers = 64;

    // The heaps first grow to what the load needs; growth counts from there.
    private const int WarmUp = 20_000;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        var requests = stage.Options.Quick ? 20_000 : 200_000;
        stage.Report.Section($"resident memory over {requests:N0} requests, after {WarmUp:N0}");
        var target = product.Json(stage.Models.Tiny);
        await SendAsync(target, WarmUp);
        var before = await ResidentAsync(product);
        await SendAsync(target, requests);
        var after = await ResidentAsync(product);

        foreach (var (name, bytes) in after)
        {
            stage.Report.Add($"memory.{name}.before", before[name] / 1e6, "MB");
            stage.Report.Add($"memory.{name}.after", bytes / 1e6, "MB");
        }

        if (after.Count > 0)
        {
            stage.Report.Add(
                "memory.growth", 100.0 * ((after.Values.Sum() / (double)before.Values.Sum()) - 1), "% of Api and Worker together");
        }
    }

    private static async Task SendAsync(Target target, int requests)
    {
        for (var sent = 0; sent < requests;)
        {
            sent += (await ClosedLoop.RunAsync(target, Callers, TimeSpan.FromSeconds(1))).Accepted.Length;
        }
    }

    private static async Task<Dictionary<string, long>> ResidentAsync(Product product) =>
        (await ProductProcesses.FindAsync(product)).Where(p => p.Name is "api" or "worker")
            .GroupBy(p => p.Name, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Sum(p => p.Process.WorkingSet64), StringComparer.Ordinal);
}
