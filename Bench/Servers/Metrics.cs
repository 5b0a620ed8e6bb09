using System.Globalization;

namespace InferenceTemplate.Bench.Servers;

/// <summary>What a service says of itself at <c>/metrics</c>.</summary>
internal static class Metrics
{
    /// <summary>How many batches of a model a worker has run, and how many rows they had in all.</summary>
    public static async Task<(double Runs, double Rows)> BatchesAsync(Uri worker, string model) => (
        await ReadAsync(worker, "inference_batch_size_count", $"model=\"{model}\""),
        await ReadAsync(worker, "inference_batch_size_sum", $"model=\"{model}\""));

    /// <returns>The sum over a metric's series that have a label.</returns>
    public static async Task<double> ReadAsync(Uri service, string metric, string label = "")
    {
        using var client = new HttpClient { BaseAddress = service };
        return (await client.GetStringAsync("/metrics")).Split('\n')
            .Where(l => l.StartsWith(metric, StringComparison.Ordinal)
                && l[metric.Length] is '{' or ' '
                && l.Contains(label, StringComparison.Ordinal))
            .Sum(l => double.Parse(l[Math.Max(metric.Length, l.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
    }
}
