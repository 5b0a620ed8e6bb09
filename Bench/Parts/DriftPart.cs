using System.Diagnostics;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Bench.Parts;

internal static class DriftPart
{
    private const int Samples = 100_000;

    public static Task RunAsync(Stage stage)
    {
        stage.Report.Section("a request's sample for drift, in process: all that a caller may wait for, of 20 requests a second at most");
        foreach (var model in (BenchModel[])[stage.Models.Digits, stage.Models.Tiny, stage.Models.Large])
        {
            var version = new ModelVersion
            {
                Model = model.Name,
                Version = "1",
                Platform = "onnxruntime_onnx",
                Sha256 = "",
                Signature = new ModelSignature([], []),
            };
            var inputs = InferBodyReader.Read(model.Json).Inputs;
            Tensor[] outputs = [new("y", Datatype.Fp32, [1, 10], new byte[40])];
            var times = new List<double>();
            for (var round = 0; round < 5; round++)
            {
                var start = Stopwatch.GetTimestamp();
                for (var i = 0; i < Samples; i++)
                {
                    GC.KeepAlive(DriftSample.Of(version, "stable", inputs, outputs, Random.Shared));
                }

                times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / Samples);
            }

            stage.Report.Add($"drift.{model.Name}", Comparison.Median(times), "us");
        }

        return Task.CompletedTask;
    }
}
