using InferenceTemplate.Bench.Load;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Bench.Parts;

internal static class LatencyPart
{
    private const double Share = 0.7;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        var model = stage.Models.Tiny;
        var target = product.Json(model);
        var modelTime = ModelMilliseconds(stage);
        var capacity = (await Comparison.RunAsync(stage.Options, 64, target))[0].PerSecond;

        stage.Report.Section(
            "what the product adds to the model's time: open loop at 70 % of capacity, latency from when a request was due");
        stage.Report.Add("latency.capacity", capacity, "req/s");
        stage.Report.Add("latency.model", modelTime, "ms");
        foreach (var connections in (int[])[100, 1000])
        {
            var rounds = new List<LoadResult>();
            for (var round = 0; round < stage.Options.Rounds; round++)
            {
                rounds.Add(await OpenLoop.RunAsync(target, Share * capacity, connections, stage.Options.Round * 2));
            }

            foreach (var (name, fraction) in (IEnumerable<(string, double)>)[("p50", 0.5), ("p95", 0.95), ("p99", 0.99)])
            {
                var latency = Comparison.Median(rounds.Select(r => r.Percentile(fraction)));
                stage.Report.Add($"latency.overhead.c{connections}.{name}", latency - modelTime, "ms");
            }

            stage.Report.Add($"latency.c{connections}.unanswered", rounds.Sum(r => r.Failed + r.Refused.Length), "requests");
        }
    }

    private static double ModelMilliseconds(Stage stage)
    {
        using InferenceSession session = RawRuntimePart.Open(stage.Models.Tiny, 1);
        return 1000 / RawRuntimePart.Measure(session, stage.Models.Tiny, 1, stage.Options);
    }
}
