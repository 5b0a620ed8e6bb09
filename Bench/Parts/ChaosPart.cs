using System.Diagnostics;
using InferenceTemplate.Bench.Chaos;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

/// <summary>
/// Jobs are sent while processes are killed, paused and emptied at random; then each job that was accepted is accounted for. The
/// product promises: none lost, none accepted or finished twice.
/// </summary>
internal static class ChaosPart
{
    private const int Senders = 8;

    private static readonly TimeSpan Settle = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(Stage stage)
    {
        await using var product = await Product.StartAsync(stage.Models.Path);
        stage.Report.Section($"faults at random for {stage.Options.Minutes} minutes under load");
        using var ledger = new JobLedger(product, stage.Models.Digits);
        if (!await ledger.TrySendAsync(CancellationToken.None))
        {
            stage.Report.Note("this build has no durable jobs: nothing to account for");
            return;
        }

        await using var faults = new Faults(product);
        using var over = new CancellationTokenSource(TimeSpan.FromMinutes(stage.Options.Minutes));
        var senders = Enumerable.Range(0, Senders).Select(_ => Task.Run(() => SendAsync(ledger, over.Token))).ToList();
        var done = await faults.RunAsync(over.Token);
        await Task.WhenAll(senders);
        foreach (var (fault, times) in done)
        {
            stage.Report.Add($"chaos.fault.{fault}", times, "times");
        }

        var start = Stopwatch.GetTimestamp();
        var account = await ledger.AccountAsync(Settle);
        stage.Report.Add("chaos.settled", Stopwatch.GetElapsedTime(start).TotalSeconds, "s until every job had ended");
        stage.Report.Add("chaos.accepted", account.Accepted, "jobs");
        foreach (var (state, jobs) in account.States)
        {
            stage.Report.Add($"chaos.{state}", jobs, "jobs");
        }

        stage.Report.Add("chaos.lost", account.Lost, "jobs");
        stage.Report.Add("chaos.twice", account.Twice, "jobs");
        if (account.Lost + account.Twice > 0)
        {
            throw new InvalidOperationException($"{account.Lost} jobs were lost, {account.Twice} came twice: {string.Join(", ", account.Examples)}");
        }
    }

    private static async Task SendAsync(JobLedger ledger, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await ledger.TrySendAsync(over);
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
