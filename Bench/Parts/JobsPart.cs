using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

internal static class JobsPart
{
    private const int Callers = 32;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        stage.Report.Section(
            $"durable jobs accepted (Prefer: respond-async) against pgbench's inserts in the same Postgres, c = {Callers}");
        var target = product.Json("jobs", stage.Models.Digits.Name, stage.Models.Digits.Json, "Prefer: respond-async");
        using (var probe = new HttpConnection(target.Server))
        {
            await probe.ConnectAsync(CancellationToken.None);
            if (await probe.SendAsync(target.Request, CancellationToken.None) != 202)
            {
                stage.Report.Note("this build has no durable jobs: not measured");
                return;
            }
        }

        var inserts = new List<double>();
        var jobs = new List<double>();
        await using var pgbench = await PgBench.PrepareAsync(await product.ConnectionStringAsync("inference"));
        await ClosedLoop.RunAsync(target, Callers, stage.Options.WarmUp * 4);
        for (var round = 0; round < stage.Options.Rounds; round++)
        {
            var result = await ClosedLoop.RunAsync(target, Callers, stage.Options.Round);
            jobs.Add(result.PerSecond);
            inserts.Add(await pgbench.RunAsync(Callers, stage.Options.Round));
        }

        stage.Report.Add("jobs.accepted", Comparison.Median(jobs), "jobs/s");
        stage.Report.Add("jobs.pgbench", Comparison.Median(inserts), "commits/s");
        stage.Report.AddRatio("jobs.over-pgbench", "jobs.accepted", "jobs.pgbench");
    }
}
