namespace InferenceTemplate.Core.Fleet;

/// <summary>Whether a worker takes work, as it says itself.</summary>
public static class WorkerState
{
    /// <summary>It loads what is to be open before it serves.</summary>
    public const string Starting = "starting";

    public const string Ready = "ready";

    /// <summary>It takes nothing new, and finishes what it has.</summary>
    public const string Draining = "draining";

    /// <summary>It takes nothing new and has nothing left.</summary>
    public const string Drained = "drained";
}
