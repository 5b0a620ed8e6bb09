using InferenceTemplate.Core;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Testing;

namespace InferenceTemplate.Tests.Unit.Core;

public sealed class PeriodicLoopTests
{
    private readonly FakeLogger _log = new();

    private IEnumerable<string> Written => _log.Collector.GetSnapshot().Select(line => $"{line.Level}: {line.Message}");

    [Fact]
    public async Task Failed_pass_does_not_end_the_loop_and_is_logged_once_for_each_outage()
    {
        using var stop = new CancellationTokenSource();
        var passes = 0;

        await RunAsync(
            () => ++passes switch
            {
                1 or 2 or 4 => throw new IOException("disk full"),
                < 6 => Task.CompletedTask,
                _ => stop.CancelAsync(),
            },
            stop.Token);

        Assert.Equal(6, passes);
        Assert.Equal(
            ["Warning: Interrupted, trying again every 0.001 s: disk full", "Warning: Interrupted, trying again every 0.001 s: disk full"],
            Written);
    }

    [Fact]
    public async Task What_is_no_outage_is_logged_as_an_error()
    {
        using var stop = new CancellationTokenSource();
        var passes = 0;

        await RunAsync(() => ++passes == 1 ? throw new InvalidOperationException("a fault") : stop.CancelAsync(), stop.Token);

        Assert.Equal(["Error: Failed, trying again every 0.001 s"], Written);
    }

    [Fact]
    public async Task Cause_behind_a_wrapping_exception_is_what_is_told()
    {
        using var stop = new CancellationTokenSource();
        var passes = 0;

        await RunAsync(
            () => ++passes == 1 ? throw new InvalidOperationException("transient", new TimeoutException("no answer")) : stop.CancelAsync(),
            stop.Token);

        Assert.Equal(["Warning: Interrupted, trying again every 0.001 s: no answer"], Written);
    }

    [Fact]
    public async Task Pass_that_the_stop_breaks_off_is_no_failure()
    {
        using var stop = new CancellationTokenSource();

        await RunAsync(
            async () =>
            {
                await stop.CancelAsync();
                stop.Token.ThrowIfCancellationRequested();
            },
            stop.Token);

        Assert.Empty(Written);
    }

    [Fact]
    public async Task Pass_that_fails_while_the_service_is_stopped_ends_it_in_good_order()
    {
        using var stop = new CancellationTokenSource();

        await RunAsync(
            async () =>
            {
                await stop.CancelAsync();
                throw new IOException("server gone");
            },
            stop.Token);

        Assert.Equal(["Warning: Interrupted, trying again every 0.001 s: server gone"], Written);
    }

    private Task RunAsync(Func<Task> pass, CancellationToken stop) =>
        PeriodicLoop.RunAsync(TimeSpan.FromMilliseconds(1), _ => pass(), TimeProvider.System, _log, stop)
            .WaitAsync(Wait.DefaultLimit, TestContext.Current.CancellationToken);
}
