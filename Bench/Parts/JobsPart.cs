using System.Diagnostics;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Servers;
using Npgsql;

namespace InferenceTemplate.Bench.Parts;

internal static class JobsPart
{
    // A tenant's bound is not what is measured: by default it would refuse after the first seconds.
    private static readonly (string Name, string Value) Unbounded = ("Jobs__MaxPendingPerTenant", "10000000");

    // Postgres has a hundred connections; a service shares fewer among its callers too.
    private const int MostClients = 32;

    private static readonly TimeSpan LongestDrain = TimeSpan.FromMinutes(2);

    public static async Task RunAsync(Stage stage)
    {
        await using var product = await Product.StartAsync(stage.Models.Path, Unbounded);
        var target = product.Json("jobs", stage.Models.Digits.Name, stage.Models.Digits.Json, "Prefer: respond-async");
        var connection = await product.ConnectionStringAsync("inference");
        await using var database = NpgsqlDataSource.Create(connection);
        await using var pgbench = await PgBench.PrepareAsync(connection);
        await ClosedLoop.RunAsync(target, 32, stage.Options.WarmUp * 4);
        foreach (var callers in (int[])[32, 256])
        {
            stage.Report.Section(
                $"durable jobs accepted (Prefer: respond-async) against pgbench's inserts in the same Postgres, c = {callers}");
            await CompareAsync(stage, database, target, pgbench, callers);
        }
    }

    private static async Task CompareAsync(Stage stage, NpgsqlDataSource database, Target target, PgBench pgbench, int callers)
    {
        List<double> accepted = [], finishedMeanwhile = [], finishedAfter = [], inserts = [];
        var (refused, failed) = (0, 0);
        for (var round = 0; round < stage.Options.Rounds; round++)
        {
            await DrainAsync(database);
            var before = await CountAsync(database, "succeeded");
            var result = await ClosedLoop.RunAsync(target, callers, stage.Options.Round);
            var finished = await CountAsync(database, "succeeded") - before;
            accepted.Add(result.PerSecond);
            finishedMeanwhile.Add(finished / result.Seconds);
            (refused, failed) = (refused + result.Refused.Length, failed + result.Failed);

            var rest = result.Accepted.Length - finished;
            var seconds = await DrainAsync(database);
            finishedAfter.Add(rest / seconds);
            inserts.Add(await pgbench.RunAsync(Math.Min(callers, MostClients), stage.Options.Round));
        }

        var name = $"jobs.c{callers}";
        stage.Report.Add($"{name}.accepted", Comparison.Median(accepted), "jobs/s");
        stage.Report.Add($"{name}.pgbench", Comparison.Median(inserts), "commits/s");
        stage.Report.AddRatio($"{name}.ratio", $"{name}.accepted", $"{name}.pgbench");
        stage.Report.Add($"{name}.finished", Comparison.Median(finishedMeanwhile), "jobs/s, while others are accepted");
        stage.Report.Add($"{name}.drained", Comparison.Median(finishedAfter), "jobs/s, afterwards");
        if (refused + failed > 0)
        {
            stage.Report.Add($"{name}.refused", refused + failed, "requests, that should have been accepted");
        }
    }

    /// <returns>Seconds until no job was left to run.</returns>
    private static async Task<double> DrainAsync(NpgsqlDataSource database)
    {
        var start = Stopwatch.GetTimestamp();
        while (await CountAsync(database, "queued") + await CountAsync(database, "running") > 0)
        {
            if (Stopwatch.GetElapsedTime(start) > LongestDrain)
            {
                throw new TimeoutException($"Jobs were left after {LongestDrain}.");
            }

            await Task.Delay(100);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string state)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM jobs WHERE state = $1");
        command.Parameters.AddWithValue(state);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
