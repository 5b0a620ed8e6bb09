using System.Diagnostics;
using System.Text.Json;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;

namespace InferenceTemplate.Bench.Parts;

internal static class JsonPart
{
    private sealed record Input(string Name, long[] Shape, string Datatype, float[] Data);

    private sealed record Body(string? Id, Input[] Inputs);

    public static Task RunAsync(Stage stage)
    {
        stage.Report.Section("JSON of one request, in process");
        foreach (var model in (BenchModel[])[stage.Models.Digits, stage.Models.Tiny, stage.Models.Large])
        {
            var framework = new List<double>();
            var product = new List<double>();
            for (var round = 0; round < 5; round++)
            {
                framework.Add(
                    Time(model, () => JsonSerializer.Deserialize<Body>(model.Json, JsonSerializerOptions.Web)!.Inputs[0].Data[0]));
                product.Add(Time(model, () => InferBodyReader.Read(model.Json).Inputs[0].Data.Span[0]));
            }

            var name = $"json.{model.Name}";
            stage.Report.Add($"{name}.framework", Comparison.Median(framework), "us");
            stage.Report.Add($"{name}.product", Comparison.Median(product), "us");
            stage.Report.AddRatio($"{name}.gain", $"{name}.framework", $"{name}.product");
        }

        return Task.CompletedTask;
    }

    private static double Time(BenchModel model, Func<float> read)
    {
        var times = Math.Max(10, 1_000_000 / model.Elements);
        float sum = 0;
        for (var i = 0; i < times / 4; i++)
        {
            sum += read();
        }

        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < times; i++)
        {
            sum += read();
        }

        GC.KeepAlive(sum);
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / times;
    }
}
