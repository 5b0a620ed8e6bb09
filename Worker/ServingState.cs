using System.Collections.Immutable;

namespace InferenceTemplate.Worker;

/// <summary>What this worker is doing, for its health and its heartbeat.</summary>
internal sealed class ServingState(TimeProvider time)
{
    private long _inferences;
    private long _executions;
    private int _inFlight;

    /// <summary>New at every start: a restarted worker is another consumer.</summary>
    public string WorkerId { get; } = $"{Environment.MachineName}-{Guid.NewGuid().ToString("N")[..8]}";

    public DateTimeOffset Started { get; } = time.GetUtcNow();

    /// <summary>Every version of the registry is answered for, and those chosen for it have been loaded or have failed to.</summary>
    public volatile bool Loaded;

    /// <summary>Versions that this worker answers for, open or not.</summary>
    public volatile int Versions;

    /// <summary>Why a model of the folder could not be registered, by <c>model/version</c>.</summary>
    public ImmutableDictionary<string, string> Failures { get; private set; } = ImmutableDictionary<string, string>.Empty;

    public long Inferences => Interlocked.Read(ref _inferences);

    public long Executions => Interlocked.Read(ref _executions);

    public int InFlight => Volatile.Read(ref _inFlight);

    public void Failed(string model, string reason) => Failures = Failures.SetItem(model, reason);

    public void Began(int requests) => Interlocked.Add(ref _inFlight, requests);

    public void Ended(int requests) => Interlocked.Add(ref _inFlight, -requests);

    public void Executed(int rows)
    {
        Interlocked.Add(ref _inferences, rows);
        Interlocked.Increment(ref _executions);
    }
}
