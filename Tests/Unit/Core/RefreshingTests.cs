using InferenceTemplate.Core;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Unit;

public sealed class RefreshingTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly List<TaskCompletionSource<string>> _readings = [];
    private readonly List<string> _stale = [];
    private readonly Refreshing<string> _value;

    public RefreshingTests() => _value = new(
        Interval,
        () =>
        {
            lock (_readings)
            {
                _readings.Add(new(TaskCreationOptions.RunContinuationsAsynchronously));
                return _readings[^1].Task;
            }
        },
        _time,
        exception => _stale.Add(exception.Message));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Callers_who_find_nothing_wait_for_one_reading()
    {
        var calls = Enumerable.Range(0, 50).Select(_ => _value.GetAsync(Cancellation).AsTask()).ToList();
        (await ReadingAsync(1)).SetResult("a");

        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal("a", answer));
        Assert.Equal("a", await _value.GetAsync(Cancellation));
        Assert.Single(_readings);
    }

    [Fact]
    public async Task Old_value_is_read_again_and_only_who_found_it_waits_and_not_for_long()
    {
        await KnowAsync("a");
        _time.Advance(Interval);

        var finder = _value.GetAsync(Cancellation, TimeSpan.FromMinutes(1)).AsTask();
        var other = _value.GetAsync(Cancellation, TimeSpan.FromMinutes(1));
        Assert.True(other.IsCompletedSuccessfully);
        Assert.Equal("a", await other);
        Assert.False(finder.IsCompleted);
        (await ReadingAsync(2)).SetResult("b");
        Assert.Equal("b", await finder);

        _time.Advance(Interval);
        finder = _value.GetAsync(Cancellation, TimeSpan.FromMinutes(1)).AsTask();
        await ReadingAsync(3);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("b", await finder);
    }

    [Fact]
    public async Task Failure_leaves_what_was_known_and_is_told_and_a_first_one_is_thrown()
    {
        var first = _value.GetAsync(Cancellation).AsTask();
        (await ReadingAsync(1)).SetException(new IOException("away"));
        await Assert.ThrowsAsync<IOException>(() => first);

        var second = _value.GetAsync(Cancellation).AsTask();
        (await ReadingAsync(2)).SetResult("a");
        Assert.Equal("a", await second);

        _time.Advance(Interval);
        var third = _value.GetAsync(Cancellation, TimeSpan.FromMinutes(1)).AsTask();
        (await ReadingAsync(3)).SetException(new IOException("away again"));
        Assert.Equal("a", await third);
        Assert.Equal(["away again"], _stale);
    }

    [Fact]
    public async Task Refresh_begins_after_the_reading_that_is_under_way_and_serves_all_who_asked_meanwhile()
    {
        var early = _value.GetAsync(Cancellation).AsTask();
        var reading = await ReadingAsync(1);
        var refreshes = Enumerable.Range(0, 20).Select(_ => _value.RefreshAsync(Cancellation)).ToList();
        Assert.Single(_readings);
        reading.SetResult("before");
        Assert.Equal("before", await early);
        (await ReadingAsync(2)).SetResult("after");

        Assert.All(await Task.WhenAll(refreshes), answer => Assert.Equal("after", answer));
        Assert.Equal("after", await _value.GetAsync(Cancellation));
        Assert.Equal(2, _readings.Count);
    }

    private async Task KnowAsync(string value)
    {
        var first = _value.GetAsync(Cancellation).AsTask();
        (await ReadingAsync(1)).SetResult(value);
        Assert.Equal(value, await first);
    }

    private async Task<TaskCompletionSource<string>> ReadingAsync(int number)
    {
        await Wait.UntilAsync(() =>
        {
            lock (_readings)
            {
                return Task.FromResult(_readings.Count >= number);
            }
        });
        return _readings[number - 1];
    }
}
