using System.Diagnostics;
using InferenceTemplate.Bench.Chaos;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

/// <summary>
/// Jobs and calls are sent while processes are killed, paused and emptied at random; then each job that was accepted is accounted for.
/// The product promises: no job lost, none accepted or finished twice; no call without an end, none with another's answer.
/// </summary>
internal static class ChaosPart
{
    private const int Senders = 8;
    private const int Callers = 8;

    private static readonly TimeSpan Settle = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(Stage stage)
    {
        await using var product = await Product.StartAsync(stage.Models.Path);
        stage.Report.Section($"faults at random for {stage.Options.Minutes} minutes under load");
        using var accepted = new AcceptedJobs(product, stage.Models.Digits);
        if (!await accepted.TrySendAsync(CancellationToken.None))
        {
            stage.Report.Note("this build has no durable jobs: nothing to account for");
            return;
        }

        var faults = new Faults(product);
        using var calls = new WatchedCalls(product, stage.Models.Digits);
        var callers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(calls.PrepareAsync));
        using var over = new CancellationTokenSource(TimeSpan.FromMinutes(stage.Options.Minutes));
        List<Task> senders =
        [
            .. Enumerable.Range(0, Senders).Select(_ => Task.Run(() => SendAsync(accepted, over.Token))),
            .. callers.Select(call => Task.Run(() => call(over.Token))),
        ];
        var done = await faults.RunAsync(over.Token);
        await Task.WhenAll(senders);
        foreach (var (fault, times) in done)
        {
            stage.Report.Add($"chaos.fault.{fault}", times, "times");
        }

        var start = Stopwatch.GetTimestamp();
        var account = await accepted.AccountAsync(Settle);
        stage.Report.Add("chaos.settled", Stopwatch.GetElapsedTime(start).TotalSeconds, "s until every job had ended");
        stage.Report.Add("chaos.accepted", account.Accepted, "jobs");
        foreach (var (state, jobs) in account.States)
        {
            stage.Report.Add($"chaos.{state}", jobs, "jobs");
        }

        stage.Report.Add("chaos.lost", account.Lost, "jobs");
        stage.Report.Add("chaos.twice", account.Twice, "jobs");
        var outcome = calls.Result;
        stage.Report.Add("chaos.calls.answered", outcome.Answered, "calls");
        stage.Report.Add("chaos.calls.refused", outcome.Refused, "calls");
        stage.Report.Add("chaos.calls.disconnected", outcome.Disconnected, "calls");
        stage.Report.Add("chaos.calls.silent", outcome.Silent, "calls");
        stage.Report.Add("chaos.calls.wrong", outcome.Wrong, "calls");
        if (outcome.Silent + outcome.Wrong > 0)
        {
            throw new InvalidOperationException($"{outcome.Silent} calls had no end in time, {outcome.Wrong} a wrong answer");
        }

        if (account.Lost + account.Twice > 0)
        {
            throw new InvalidOperationException(
                $"{account.Lost} jobs were lost, {account.Twice} came twice: {string.Join(", ", account.Examples)}");
        }
    }

    private static async Task SendAsync(AcceptedJobs accepted, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await accepted.TrySendAsync(over);
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
