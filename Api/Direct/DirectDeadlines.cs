namespace InferenceTemplate.Api.Direct;

/// <summary>
/// Ends direct calls whose time is over, by one timer, where each call would make one of its own and drop it a moment later. Calls lie in
/// the slots of a wheel that turns by one each <see cref="Tick"/>; so one ends up to that much late, and never early.
/// </summary>
internal sealed class DirectDeadlines : IDisposable
{
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    // Five seconds a turn: few calls are looked at before they are due.
    private const int Slots = 512;

    private readonly Lock _lock = new();
    private readonly DirectCall?[] _slots = new DirectCall?[Slots];
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly long _start;
    private long _turned;
    private int _count;
    private bool _turns;

    public DirectDeadlines(TimeProvider time)
    {
        (_time, _start) = (time, time.GetTimestamp());
        _timer = time.CreateTimer(
            static wheel => ((DirectDeadlines)wheel!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Has a call end when so much time is over; one that has ended before must be removed.</summary>
    public void Add(DirectCall call, TimeSpan most)
    {
        lock (_lock)
        {
            var now = _time.GetElapsedTime(_start);
            if (!_turns)
            {
                // Nothing lies in the slots that are passed by this. The wheel turns where a slot is due, and not between two.
                (_turns, _turned) = (true, (long)(now / Tick));
                _timer.Change(Tick - TimeSpan.FromTicks(now.Ticks % Tick.Ticks), Tick);
            }

            var due = Math.Max(_turned + 1, (long)Math.Ceiling((now + most) / Tick));
            ref var first = ref _slots[due % Slots];
            (call.Due, call.Previous, call.Next) = (due, null, first);
            first?.Previous = call;
            first = call;
            _count++;
        }
    }

    public void Remove(DirectCall call)
    {
        lock (_lock)
        {
            if (call.Due > 0)
            {
                Unlink(call);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Turn()
    {
        lock (_lock)
        {
            var now = (long)(_time.GetElapsedTime(_start) / Tick);
            for (var tick = Math.Max(_turned + 1, now - Slots + 1); tick <= now; tick++)
            {
                for (var call = _slots[tick % Slots]; call is not null;)
                {
                    var next = call.Next;
                    if (call.Due <= now)
                    {
                        Unlink(call);
                        call.Ended(new DirectEnd(IsLate: true));
                    }

                    call = next;
                }
            }

            _turned = now;
            if (_count == 0)
            {
                _turns = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Unlink(DirectCall call)
    {
        if (call.Previous is { } previous)
        {
            previous.Next = call.Next;
        }
        else
        {
            _slots[call.Due % Slots] = call.Next;
        }

        call.Next?.Previous = call.Previous;
        (call.Due, call.Previous, call.Next) = (0, null, null);
        _count--;
    }
}
