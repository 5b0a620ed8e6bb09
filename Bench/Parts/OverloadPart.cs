using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

internal static class OverloadPart
{
    private const int Callers = 32;
    private const int Connections = 512;
    private const int MaxDepth = 64;

    public static async Task RunAsync(Stage stage)
    {
        await using var product = await Product.StartAsync(stage.Models.Path, ("Queue__MaxDepth", $"{MaxDepth}"));
        stage.Report.Section($"overload of the heavy model, open loop, queue of {MaxDepth}");
        var target = product.Binary(stage.Models.Heavy);
        await ClosedLoop.RunAsync(target, Callers, stage.Options.WarmUp * 2);
        var capacity = (await Comparison.RunAsync(stage.Options, Callers, target))[0].PerSecond;
        stage.Report.Add("overload.capacity", capacity, "req/s");
        foreach (var times in (int[])[2, 4])
        {
            var rounds = new List<LoadResult>();
            for (var round = 0; round < stage.Options.Rounds; round++)
            {
                rounds.Add(await OpenLoop.RunAsync(target, times * capacity, Connections, stage.Options.Round * 2));
            }

            var name = $"overload.x{times}";
            stage.Report.Add($"{name}.goodput", Comparison.Median(rounds.Select(r => r.PerSecond)), "req/s");
            stage.Report.AddRatio($"{name}.goodput-ratio", $"{name}.goodput", "overload.capacity");
            stage.Report.Add($"{name}.accepted.p99", Comparison.Median(rounds.Select(r => r.Percentile(0.99))), "ms");
            stage.Report.Add($"{name}.refused.p50", Comparison.Median(rounds.Select(r => LoadResult.Percentile(r.Refused, 0.5))), "ms");
            stage.Report.Add($"{name}.refused.p99", Comparison.Median(rounds.Select(r => LoadResult.Percentile(r.Refused, 0.99))), "ms");
            stage.Report.Add($"{name}.failed", rounds.Sum(r => r.Failed), "requests");
        }
    }
}
