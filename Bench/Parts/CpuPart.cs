using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

internal static class CpuPart
{
    private const int Callers = 64;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        stage.Report.Section($"where the processor's time goes: one JSON request of the tiny model at c = {Callers}");
        var target = product.Json(stage.Models.Tiny);
        await ClosedLoop.RunAsync(target, Callers, stage.Options.WarmUp * 4);

        var processes = await ProductProcesses.FindAsync(product);
        var before = processes.Select(p => (p.Name, p.Process, Time: p.Process.TotalProcessorTime)).ToList();
        var result = await ClosedLoop.RunAsync(target, Callers, stage.Options.Round * stage.Options.Rounds);
        double sum = 0;
        foreach (var (name, process, time) in before)
        {
            process.Refresh();
            var microseconds = (process.TotalProcessorTime - time).TotalMicroseconds / result.Accepted.Length;
            sum += microseconds;
            stage.Report.Add($"cpu.{name}", microseconds, "us a request");
        }

        stage.Report.Add("cpu.all", sum, "us a request");
    }
}
