using System.Runtime.InteropServices;

namespace InferenceTemplate.Core.Statistics;

/// <summary>How often something took place, and how long it took together.</summary>
[StructLayout(LayoutKind.Auto)]
public record struct CountedTime(long Count, long Nanoseconds)
{
    internal void Add(long count, TimeSpan each)
    {
        Count += count;
        Nanoseconds += count * (long)(each.Ticks * TimeSpan.NanosecondsPerTick);
    }
}
