using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Time.Testing;
using Polly.CircuitBreaker;

namespace InferenceTemplate.Tests.Worker.ModelCache;

public sealed class LoadBreakerTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly CacheBench _bench;

    public LoadBreakerTests()
    {
        _bench = new CacheBench(
            room: 4, o => (o.LoadFailures, o.LoadBreak, o.MaxLoadBreak) = (3, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(12)), _time);
        _bench.WriteBroken("m");
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Breaker_opens_after_the_failures_in_a_row_and_then_refuses_without_trying()
    {
        await FailAsync(times: 3);
        var refused = await Assert.ThrowsAsync<ModelUnavailableException>(() => _bench.AcquireAsync("m"));

        Assert.Equal(3, _bench.Tries["m"]);
        Assert.Contains("is not tried again yet", refused.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(5), refused.RetryAfter);
        var failure = Assert.Single(_bench.Cache.Failures);
        Assert.Equal((CacheBench.Key("m"), CircuitState.Open), (failure.Key, failure.Circuit));
    }

    [Fact]
    public async Task Half_open_breaker_lets_one_probe_through_and_closes_when_it_succeeds()
    {
        await FailAsync(times: 3);
        _bench.Write("m", 1);
        _time.Advance(TimeSpan.FromSeconds(5.1));
        var gate = new TaskCompletionSource();
        _bench.BeforeOpen = _ => gate.Task;

        // All of them join the one load that is the probe.
        var asking = Enumerable.Range(0, 10).Select(_ => _bench.AcquireAsync("m")).ToList();
        gate.SetResult();
        foreach (var lease in await Task.WhenAll(asking))
        {
            Assert.Equal(1, CacheBench.Ask(lease));
            lease.Dispose();
        }

        Assert.Equal(4, _bench.Tries["m"]);
        Assert.Empty(_bench.Cache.Failures);
    }

    [Fact]
    public async Task Failed_probe_opens_the_breaker_again_for_longer_but_not_beyond_the_maximum()
    {
        await FailAsync(times: 3);

        foreach (var seconds in (double[])[10, 12, 12])
        {
            _time.Advance(TimeSpan.FromSeconds(12.1));
            await FailAsync(times: 1);
            var refused = await Assert.ThrowsAsync<ModelUnavailableException>(() => _bench.AcquireAsync("m"));
            Assert.Equal(seconds, refused.RetryAfter.TotalSeconds);
        }

        Assert.Equal(6, _bench.Tries["m"]);
    }

    [Fact]
    public async Task Success_begins_a_new_count()
    {
        await FailAsync(times: 2);
        _bench.Write("m", 1);
        await _bench.TouchAsync("m");
        _bench.Cache.Unload(CacheBench.Key("m"));
        _bench.WriteBroken("m");

        await FailAsync(times: 3);

        Assert.Equal(6, _bench.Tries["m"]);
    }

    [Fact]
    public async Task Open_breaker_of_one_model_leaves_the_others_alone()
    {
        await FailAsync(times: 3);
        _bench.Write("other", 2);

        using var lease = await _bench.AcquireAsync("other");

        Assert.Equal(2, CacheBench.Ask(lease));
    }

    private async Task FailAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var exception = await Assert.ThrowsAsync<ModelUnavailableException>(() => _bench.AcquireAsync("m"));
            Assert.NotNull(exception.InnerException);
        }
    }
}
