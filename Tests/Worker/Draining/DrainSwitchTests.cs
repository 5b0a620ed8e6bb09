using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Draining;
using Microsoft.Extensions.Logging.Abstractions;

namespace InferenceTemplate.Tests.Worker.Draining;

public sealed class DrainSwitchTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drained_worker_is_empty_once_every_turn_has_ended_and_gives_none_until_it_serves_again()
    {
        using var drain = new DrainSwitch(NullLogger<DrainSwitch>.Instance);
        var first = await drain.EnterAsync(Cancellation);
        var second = await drain.EnterAsync(Cancellation);
        Assert.Equal((false, false, false), (drain.IsDrained, drain.IsEmpty, first.Drained.IsCancellationRequested));

        await drain.SetAsync(true);
        Assert.True(first.Drained.IsCancellationRequested);
        var waiting = drain.EnterAsync(Cancellation);
        first.Dispose();
        Assert.Equal((true, false, false), (drain.IsDrained, drain.IsEmpty, waiting.IsCompleted));
        second.Dispose();
        Assert.True(drain.IsEmpty);

        await drain.SetAsync(false);
        using var third = await waiting.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal((false, false, false), (drain.IsDrained, drain.IsEmpty, third.Drained.IsCancellationRequested));
        await drain.SetAsync(true);
        Assert.True(third.Drained.IsCancellationRequested);
    }

    [Fact]
    public async Task Order_that_is_followed_already_changes_nothing()
    {
        using var drain = new DrainSwitch(NullLogger<DrainSwitch>.Instance);
        await drain.SetAsync(false);
        using var turn = await drain.EnterAsync(Cancellation);
        await drain.SetAsync(false);
        Assert.False(turn.Drained.IsCancellationRequested);

        await drain.SetAsync(true);
        await drain.SetAsync(true);
        await drain.SetAsync(false);
        using var next = await drain.EnterAsync(Cancellation);
        Assert.False(next.Drained.IsCancellationRequested);
    }

    [Fact]
    public async Task Wait_for_a_turn_ends_with_the_process()
    {
        using var drain = new DrainSwitch(NullLogger<DrainSwitch>.Instance);
        await drain.SetAsync(true);
        using var stopping = new CancellationTokenSource();
        var waiting = drain.EnterAsync(stopping.Token);

        await stopping.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.True(drain.IsEmpty);
    }
}
