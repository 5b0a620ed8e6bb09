using System.Text;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Bench.Parts;

/// <summary>Tokens a second of streams of the tests' tiny decoder: one after the other, and many at once.</summary>
internal static class GenerationPart
{
    private const int Streams = 32;
    private const int Tokens = 256;

    public static async Task RunAsync(Stage stage)
    {
        using var models = new FilesOfModel("decoder", TinyDecoder.Files(ends: false));
        await using var product = await Product.StartAsync(models.Path, ("Generation__Slots", $"{Streams}"));
        stage.Report.Section($"streams of {Tokens} tokens each, one after the other and {Streams} at once");
        List<Target> requests = [.. Enumerable.Range(0, Streams).Select(i => product.Post(
            "generation", "/v1/chat/completions", Encoding.UTF8.GetBytes(
                $$"""
                {"model":"decoder","messages":[{"role":"user","content":"question {{i}}"}],"max_tokens":{{Tokens}},
                 "temperature":0,"stream":true}
                """)))];
        (string Name, int Callers, List<double> Rates)[] sides = [("serial", 1, []), ("streams", Streams, [])];
        foreach (var (_, callers, _) in sides)
        {
            await MixedLoop.RunAsync(requests, callers, stage.Options.WarmUp, "[DONE]");
        }

        for (var round = 0; round < stage.Options.Rounds; round++)
        {
            foreach (var (_, callers, rates) in sides)
            {
                rates.Add(Tokens * await MixedLoop.RunAsync(requests, callers, stage.Options.Round * 3, "[DONE]"));
            }
        }

        foreach (var (name, callers, rates) in sides)
        {
            stage.Report.Add($"generation.{name}", Comparison.Median(rates), $"tokens/s, {callers} at once");
        }

        stage.Report.AddRatio("generation.gain", "generation.streams", "generation.serial");
    }
}
