using System.Globalization;

namespace InferenceTemplate.Bench.Servers;

/// <summary>Runs and rows of a model since its worker started, from <c>inference.batch.size</c> of its metrics.</summary>
internal static class BatchMetric
{
    public static async Task<(double Runs, double Rows)> ReadAsync(Product product, string model)
    {
        using var client = new HttpClient { BaseAddress = product.Worker };
        var lines = (await client.GetStringAsync("/metrics")).Split('\n')
            .Where(l => l.StartsWith("inference_batch_size", StringComparison.Ordinal)
                && l.Contains($"model=\"{model}\"", StringComparison.Ordinal))
            .ToList();
        return (Sum(lines, "_count{"), Sum(lines, "_sum{"));
    }

    private static double Sum(IEnumerable<string> lines, string kind) => lines
        .Where(l => l.Contains(kind, StringComparison.Ordinal))
        .Sum(l => double.Parse(l[(l.IndexOf('}', StringComparison.Ordinal) + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
}
