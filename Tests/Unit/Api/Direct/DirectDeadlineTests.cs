using System.Threading.Tasks.Sources;
using InferenceTemplate.Api.Direct;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Unit.Api.Direct;

public sealed class DirectDeadlineTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly DirectDeadlines _deadlines;

    public DirectDeadlineTests() => _deadlines = new DirectDeadlines(_time);

    // Beyond a turn of the wheel too, and in between two ticks.
    [Theory, InlineData(0), InlineData(4), InlineData(1_000), InlineData(5_120), InlineData(12_345), InlineData(60_000)]
    public async Task Call_ends_when_its_time_is_over_and_not_before(int milliseconds)
    {
        _time.Advance(TimeSpan.FromMilliseconds(7_003));
        var call = Call();
        var end = EndAsync(call, milliseconds);

        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Assert.False(HasEnded(call));
        _time.Advance(DirectDeadlines.Tick);

        Assert.True(HasEnded(call));
        Assert.Equal(new DirectEnd(IsLate: true), await end);
    }

    [Fact]
    public void Call_that_has_ended_takes_no_other_with_it()
    {
        List<DirectCall> calls = [.. Enumerable.Range(0, 6).Select(_ => Call())];
        for (var i = 0; i < calls.Count; i++)
        {
            _ = EndAsync(calls[i], 30 + (i / 3 * 5_120));
        }

        foreach (var i in (int[])[1, 3])
        {
            _deadlines.Remove(calls[i]);
            _deadlines.Remove(calls[i]);
        }

        _time.Advance(TimeSpan.FromMilliseconds(40));
        Assert.Equal([true, false, true, false, false, false], calls.Select(HasEnded));
        _time.Advance(TimeSpan.FromMilliseconds(5_120));
        Assert.Equal([true, false, true, false, true, true], calls.Select(HasEnded));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Call_ends_in_its_own_time_whatever_others_come_and_go(int seed)
    {
        var random = new Random(seed);
        List<(DirectCall Call, DateTimeOffset Due)> waiting = [];
        List<DirectCall> removed = [];
        for (var step = 0; step < 2_000; step++)
        {
            if (random.Next(3) > 0)
            {
                var most = random.Next(random.Next(2) == 0 ? 100 : 12_000);
                var call = Call();
                _ = EndAsync(call, most);
                waiting.Add((call, _time.GetUtcNow().AddMilliseconds(most)));
            }
            else if (waiting.Count > 0)
            {
                var at = random.Next(waiting.Count);
                _deadlines.Remove(waiting[at].Call);
                removed.Add(waiting[at].Call);
                waiting.RemoveAt(at);
            }

            // Now and then so far that all that waits is late, and the wheel stands still.
            _time.Advance(TimeSpan.FromMilliseconds(random.Next(200) == 0 ? 15_000 : random.Next(30)));
            foreach (var (call, due) in waiting)
            {
                Assert.False(HasEnded(call) && _time.GetUtcNow() < due, $"step {step}: early");
                Assert.False(!HasEnded(call) && _time.GetUtcNow() >= due + DirectDeadlines.Tick, $"step {step}: not ended");
            }

            waiting.RemoveAll(w => HasEnded(w.Call));
        }

        Assert.DoesNotContain(removed, HasEnded);
    }

    public void Dispose() => _deadlines.Dispose();

    private static bool HasEnded(DirectCall call) => call.GetStatus(0) != ValueTaskSourceStatus.Pending;

    private static Task<DirectEnd> EndAsync(DirectCall call, int milliseconds) =>
        call.EndAsync(TimeSpan.FromMilliseconds(milliseconds), CancellationToken.None).AsTask();

    // Of a connection and a request that nobody looks at.
    private DirectCall Call() => new(null!, null!, parts: null, _deadlines);
}
