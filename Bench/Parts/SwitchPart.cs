using System.Diagnostics;
using InferenceTemplate.Bench.Load;

namespace InferenceTemplate.Bench.Parts;

internal static class SwitchPart
{
    private const int Calls = 400;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        stage.Report.Section("switching between two models that are loaded: each call goes to the other one, c = 1");
        var digits = product.Json(stage.Models.Digits);
        var tiny = product.Json(stage.Models.Tiny);
        using var connection = new HttpConnection(digits.Server);
        await connection.ConnectAsync(CancellationToken.None);
        foreach (var (name, second) in (IEnumerable<(string, Target)>)[("same", digits), ("switch", tiny)])
        {
            var tally = new Tally();
            for (var call = 0; call < Calls; call++)
            {
                var sent = Stopwatch.GetTimestamp();
                var status = await connection.SendAsync((call % 2 == 0 ? digits : second).Request, CancellationToken.None);
                if (call >= Calls / 4)
                {
                    tally.Add(status, Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                }
            }

            var result = LoadResult.Of(1, [tally]);
            stage.Report.Add($"switch.{name}.p50", result.Percentile(0.5), "ms");
            stage.Report.Add($"switch.{name}.p99", result.Percentile(0.99), "ms");
        }
    }
}
