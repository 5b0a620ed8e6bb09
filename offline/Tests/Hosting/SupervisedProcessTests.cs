using System.Collections.Concurrent;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;

namespace Tests.Offline.Hosting;

public sealed class SupervisedProcessTests
{
    [Fact]
    public async Task Exit_code_and_lines_of_the_command_arrive()
    {
        using var data = new DataFolder();
        var lines = new ConcurrentQueue<string>();

        using var directory = await OpenAsync(data);
        using var process = Start(directory, "echo out; echo err >&2; exit 23", onLine: lines.Enqueue);

        Assert.Equal(23, await process.Exited);
        Assert.Equal(["err", "out"], lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Stop_lets_the_command_end_in_its_own_way()
    {
        using var data = new DataFolder();
        using var directory = await OpenAsync(data);
        var started = new TaskCompletionSource();
        using var process = Start(
            directory, "trap 'echo bye; exit 0' TERM; echo started; while :; do sleep 0.05; done", onLine: _ => started.TrySetResult());
        await started.Task;

        await process.StopAsync();

        Assert.Equal(0, await process.Exited);
        Assert.EndsWith("bye", process.LastLines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_kills_a_command_that_does_not_end_and_what_it_started()
    {
        using var data = new DataFolder();
        using var directory = await OpenAsync(data);
        var started = new TaskCompletionSource();
        using var process = Start(
            directory, "trap '' TERM; sleep 1000 & echo started; wait; sleep 1000", TimeSpan.FromMilliseconds(300), _ => started.TrySetResult());
        await started.Task;

        await process.StopAsync();

        Assert.Equal(128 + 9, await process.Exited);
        await data.WaitUntilNothingRunsAsync();
    }

    [Fact]
    public async Task Closing_the_pipe_ends_the_command_as_the_death_of_the_host_does()
    {
        using var data = new DataFolder();
        using var directory = await OpenAsync(data);
        var started = new TaskCompletionSource();
        var process = Start(directory, "echo started; sleep 1000", onLine: _ => started.TrySetResult());
        await started.Task;

        process.Dispose();

        await data.WaitUntilNothingRunsAsync();
    }

    private static SupervisedProcess Start(DataDirectory directory, string script, TimeSpan? grace = null, Action<string>? onLine = null) =>
        SupervisedProcess.Start(
            new("/bin/sh", ["-c", script], "/") { Grace = grace ?? TimeSpan.FromSeconds(30) }, directory, onLine ?? (_ => { }));

    private static Task<DataDirectory> OpenAsync(DataFolder data) => DataDirectory.OpenAsync(
        data.Path, new ResourceConsole(new ConfigurationManager()), TestContext.Current.CancellationToken);
}
