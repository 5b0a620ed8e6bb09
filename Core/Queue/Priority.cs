namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Levels of the queue, each a stream of its own. The protocol's number (0 default, 1 highest, larger is lower) maps
/// to them: 1 is high, 0 and 2 are normal, 3 and above are low.
/// </summary>
public enum Priority : byte
{
    High = 0,
    Normal = 1,
    Low = 2,

    /// <summary>Mirrored traffic: nobody waits for it, and it is the first to go when the queue fills.</summary>
    Shadow = 3,
}

public static class Priorities
{
    /// <summary>The level for a number of the protocol, from 0.</summary>
    public static Priority FromProtocol(long number) => number switch
    {
        1 => Priority.High,
        0 or 2 => Priority.Normal,
        _ => Priority.Low,
    };

    /// <summary>As it is written in records, metrics and answers.</summary>
    public static string Name(this Priority priority) => priority switch
    {
        Priority.High => "high",
        Priority.Low => "low",
        Priority.Shadow => "shadow",
        _ => "normal",
    };
}
