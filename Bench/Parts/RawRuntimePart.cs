using System.Diagnostics;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Bench.Parts;

internal static class RawRuntimePart
{
    private static readonly int[] Batches = [1, 8, 32];

    public static Task RunAsync(Stage stage)
    {
        stage.Report.Section("raw ONNX Runtime in process, one caller");
        foreach (var model in (BenchModel[])[stage.Models.Digits, stage.Models.Tiny, stage.Models.Convnet, stage.Models.Heavy])
        {
            foreach (var (name, threads) in (IEnumerable<(string, int?)>)[("default", null), ("intra1", 1)])
            {
                using var session = Open(model, threads);
                foreach (var batch in Batches)
                {
                    var perSecond = Measure(session, model, batch, stage.Options);
                    stage.Report.Add($"raw.{model.Name}.b{batch}.{name}", perSecond, "rows/s");
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Rows a second of one caller that runs batches one after the other.</summary>
    public static double Measure(InferenceSession session, BenchModel model, int batch, BenchOptions options)
    {
        var data = Enumerable.Range(0, batch).SelectMany(_ => model.Data).ToArray();
        long[] shape = [batch, .. model.Shape[1..]];
        using var run = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(data, shape);
        var rounds = new List<double>();
        Run(TimeSpan.FromMilliseconds(200));
        for (var round = 0; round < options.Rounds; round++)
        {
            rounds.Add(Run(options.Round / 4));
        }

        return Comparison.Median(rounds);

        double Run(TimeSpan time)
        {
            var start = Stopwatch.GetTimestamp();
            var runs = 0;
            for (; Stopwatch.GetElapsedTime(start) < time; runs++)
            {
                session.Run(run, session.InputNames, [input], session.OutputNames).Dispose();
            }

            return runs * batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    public static InferenceSession Open(BenchModel model, int? intraOpThreads)
    {
        using var options = new SessionOptions();
        if (intraOpThreads is not null)
        {
            options.IntraOpNumThreads = intraOpThreads.Value;
        }

        return new InferenceSession(File.ReadAllBytes(model.Path), options);
    }
}
