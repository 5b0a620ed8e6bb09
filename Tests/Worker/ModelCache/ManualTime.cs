namespace InferenceTemplate.Tests.Worker.ModelCache;

/// <summary>A clock that moves when it is told to; its timers are the system's.</summary>
internal sealed class ManualTime : TimeProvider
{
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan time) => _now += time;
}
