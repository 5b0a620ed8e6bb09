using InferenceTemplate.Api.Caching;

namespace InferenceTemplate.Tests.Unit;

public sealed class SingleFlightTests
{
    private readonly SingleFlight<string, string> _flights = new();
    private readonly TaskCompletionSource _released = new();
    private int _runs;

    [Fact]
    public async Task Callers_of_the_same_at_once_share_one_run()
    {
        var calls = Enumerable.Range(0, 5).Select(_ => RunAsync("key", share: true)).ToList();
        _released.SetResult();
        var results = await Task.WhenAll(calls);

        Assert.Equal(1, _runs);
        Assert.All(results, r => Assert.Equal("run 1", r.Value));
        Assert.Equal(1, results.Count(r => !r.Shared));
    }

    [Fact]
    public async Task Callers_of_different_things_do_not_share()
    {
        _released.SetResult();

        var results = await Task.WhenAll(RunAsync("a", share: true), RunAsync("b", share: true));

        Assert.Equal(2, _runs);
        Assert.All(results, r => Assert.False(r.Shared));
    }

    [Fact]
    public async Task Failure_of_one_is_not_shared()
    {
        var calls = Enumerable.Range(0, 3).Select(_ => RunAsync("key", share: false)).ToList();
        _released.SetResult();
        var results = await Task.WhenAll(calls);

        Assert.Equal(3, _runs);
        Assert.All(results, r => Assert.False(r.Shared));
    }

    [Fact]
    public async Task Caller_that_leaves_takes_no_other_with_it()
    {
        using var leaving = new CancellationTokenSource();
        var first = _flights.RunAsync(
            "key",
            async () =>
            {
                await Task.Delay(Timeout.Infinite, leaving.Token);
                return ("", true);
            },
            TimeSpan.FromMinutes(1), TimeProvider.System, leaving.Token);
        var second = RunAsync("key", share: true);
        _released.SetResult();
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(("run 1", false), await second);
    }

    [Fact]
    public async Task Next_caller_after_an_end_runs_again()
    {
        _released.SetResult();
        await RunAsync("key", share: true);

        Assert.Equal(("run 2", false), await RunAsync("key", share: true));
    }

    private Task<(string Value, bool Shared)> RunAsync(string key, bool share) => _flights.RunAsync(
        key,
        async () =>
        {
            var run = Interlocked.Increment(ref _runs);
            await _released.Task;
            return ($"run {run}", share);
        },
        TimeSpan.FromMinutes(1), TimeProvider.System, CancellationToken.None);
}
