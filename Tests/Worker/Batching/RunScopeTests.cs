using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Batching;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>What ends a run is used by one run after the other: none may be ended by what was of another.</summary>
public sealed class RunScopeTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    [Fact]
    public void Run_is_ended_by_its_own_callers_and_not_by_those_of_the_run_before()
    {
        using var stop = new CancellationTokenSource();
        var (earlier, later) = (Request(), Request());
        var before = RunScope.Begin([earlier], Long, TimeProvider.System, stop.Token);
        before.Dispose();
        using var now = RunScope.Begin([later], Long, TimeProvider.System, CancellationToken.None);
        Assert.Same(before, now);

        earlier.Cancel();
        stop.Cancel();
        Assert.False(now.Token.IsCancellationRequested);

        later.Cancel();
        Assert.True(now.Token.IsCancellationRequested);
    }

    [Fact]
    public void Run_after_one_that_was_ended_is_not()
    {
        var request = Request();
        var before = RunScope.Begin([request], Long, TimeProvider.System, CancellationToken.None);
        var ended = before.Token;
        request.Cancel();
        before.Dispose();
        using var now = RunScope.Begin([Request()], Long, TimeProvider.System, CancellationToken.None);

        Assert.Same(before, now);
        Assert.True(ended.IsCancellationRequested);
        Assert.False(now.Token.IsCancellationRequested);
    }

    [Fact]
    public void Deadline_of_a_run_is_not_that_of_the_run_before()
    {
        var time = new FakeTimeProvider();
        RunScope.Begin([Request()], TimeSpan.FromSeconds(1), time, CancellationToken.None).Dispose();
        using var now = RunScope.Begin([Request()], Long, time, CancellationToken.None);

        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(now.Token.IsCancellationRequested);

        time.Advance(Long);
        Assert.True(now.Token.IsCancellationRequested);
    }

    // By the clock of the system, whose timers are set anew and not made anew.
    [Fact]
    public void Deadline_ends_a_run_after_another_that_had_longer()
    {
        var before = RunScope.Begin([Request()], Long, TimeProvider.System, CancellationToken.None);
        before.Dispose();
        using var now = RunScope.Begin([Request()], TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);

        Assert.Same(before, now);
        Assert.True(now.Token.WaitHandle.WaitOne(Wait.DefaultLimit));
    }

    private static QueuedRequest Request() => Requests.Queued("1-0", []);
}
