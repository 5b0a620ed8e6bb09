using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

/// <summary>
/// What a request costs two replicas of the Api and two workers, against one of each: more of them share these cores, so the
/// processor's time says what more machines would gain.
/// </summary>
internal static class ReplicasPart
{
    private const int Callers = 64;

    public static async Task RunAsync(Stage stage)
    {
        stage.Report.Section($"processor time of a request, by replicas of Api and Worker, c = {Callers}, behind one proxy");
        foreach (var replicas in (int[])[1, 2])
        {
            await using var product = await Product.StartAsync(stage.Models.Path, replicas);
            var target = product.Json(stage.Models.Tiny);
            await WarmUp.RunAsync(stage.Options, target, Callers);
            var processes = await ProductProcesses.FindAsync(product);
            var before = processes.Select(p => p.Process.TotalProcessorTime).ToList();
            var result = await ClosedLoop.RunAsync(target, Callers, stage.Options.Round * stage.Options.Rounds);
            double spent = 0;
            for (var i = 0; i < processes.Count; i++)
            {
                processes[i].Process.Refresh();
                spent += (processes[i].Process.TotalProcessorTime - before[i]).TotalMicroseconds;
            }

            stage.Report.Add($"replicas.{replicas}x{replicas}", spent / result.Accepted.Length, "us a request, all processes");
            stage.Report.Add($"replicas.{replicas}x{replicas}.rate", result.PerSecond, "req/s");
        }

        stage.Report.AddRatio("replicas.cost", "replicas.2x2", "replicas.1x1");
    }
}
