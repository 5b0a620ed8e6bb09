using System.Diagnostics;
using InferenceTemplate.Bench.Chaos;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Parts;

/// <summary>
/// Jobs, batch jobs, calls and keys are sent while processes are killed, ended, paused and emptied at random; then everything that was
/// accepted is accounted for. The product promises: nothing accepted is lost, accepted or finished twice; no call without an end, none with
/// another's answer; no revoked key is let in.
/// </summary>
internal static class ChaosPart
{
    private const int Senders = 8;
    private const int Callers = 8;

    private static readonly TimeSpan Settle = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(Stage stage)
    {
        await using var product = await Product.StartAsync(stage.Models.Path);
        stage.Report.Section($"faults at random for {stage.Options.Minutes} minutes under load (--seed {stage.Options.Seed})");
        var model = stage.Models.Digits;
        using var client = product.Client();
        var questions = await Task.WhenAll(Enumerable.Range(0, Callers).Select(number => Question.AskAsync(client, model, number)));
        using var jobs = new AcceptedJobs(product, model);
        using var batches = new AcceptedBatches(product, model.Name, questions);
        using var calls = new WatchedCalls(product, model);
        using var keys = new RevokedKeys(product);
        using var over = new CancellationTokenSource(TimeSpan.FromMinutes(stage.Options.Minutes));
        List<Task> load =
        [
            .. Enumerable.Range(0, Senders).Select(sender => Task.Run(() => jobs.SendAsync(questions[sender % Callers], over.Token))),
            .. questions.Select(question => Task.Run(() => calls.CallAsync(question, over.Token))),
            Task.Run(() => batches.SendAsync(over.Token)),
            Task.Run(() => keys.RunAsync(over.Token)),
        ];
        foreach (var (fault, times) in await new Faults(product, stage.Options.Seed).RunAsync(over.Token))
        {
            stage.Report.Add($"chaos.fault.{fault}", times, "times");
        }

        await Task.WhenAll(load);
        var start = Stopwatch.GetTimestamp();
        var account = await jobs.AccountAsync(Settle);
        stage.Report.Add("chaos.settled", Stopwatch.GetElapsedTime(start).TotalSeconds, "s until every job had ended and was looked at");
        stage.Report.Add("chaos.accepted", account.Accepted, "jobs");
        foreach (var (state, number) in account.States)
        {
            stage.Report.Add($"chaos.{state}", number, "jobs");
        }

        var (accepted, lines, broken) = await batches.AccountAsync(Settle);
        stage.Report.Add("chaos.batches", accepted, FormattableString.Invariant($"batch jobs of {lines} lines"));
        var outcome = calls.Result;
        stage.Report.Add("chaos.calls.answered", outcome.Answered, "calls");
        stage.Report.Add("chaos.calls.refused", outcome.Refused, "calls");
        stage.Report.Add("chaos.calls.disconnected", outcome.Disconnected, "calls");
        stage.Report.Add("chaos.keys", keys.Revoked, "keys revoked");

        (string What, int Count, string Detail)[] faults =
        [
            ("jobs lost", account.Lost, string.Join(", ", account.Examples)),
            ("jobs twice", account.Twice, string.Join(", ", account.Examples)),
            ("jobs that failed", account.States.Where(s => s.Key != "succeeded").Sum(s => s.Value), ""),
            ("jobs with another result", account.Wrong, string.Join(", ", account.Examples)),
            ("batch jobs broken", broken.Count, string.Join(", ", broken.Take(5))),
            ("calls without an end in time", outcome.Silent, ""),
            ("calls with a wrong answer", outcome.Wrong, ""),
            ("revoked keys let in", keys.StillLetIn, ""),
            ("keys locked out", keys.LockedOut, ""),
        ];
        foreach (var (what, count, _) in faults)
        {
            stage.Report.Add($"chaos.{what.Replace(' ', '-')}", count, "found");
        }

        var found = faults.Where(f => f.Count > 0).Select(f => $"{f.Count} {f.What} {f.Detail}".TrimEnd()).ToList();
        if (found.Count > 0)
        {
            throw new InvalidOperationException(string.Join("; ", found));
        }
    }
}
