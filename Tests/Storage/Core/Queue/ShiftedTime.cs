namespace InferenceTemplate.Tests.Storage;

/// <summary>The real clock, put forward by a test.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private TimeSpan _shift;

    public void Advance(TimeSpan by) => _shift += by;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _shift;
}
