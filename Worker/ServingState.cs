using System.Collections.Concurrent;
using System.Collections.Immutable;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Statistics;

namespace InferenceTemplate.Worker;

/// <summary>What this worker is doing, for its health and its heartbeat.</summary>
internal sealed class ServingState(TimeProvider time)
{
    // More than the deliveries of one request, so that one that no device has the memory for does not condemn the worker.
    private const int DeviceFailuresUntilUnhealthy = 5;

    private long _inferences;
    private long _executions;
    private int _inFlight;
    private int _deviceFailures;
    private string? _deviceFailure;

    /// <summary>New at every start: a restarted worker is another consumer.</summary>
    public string WorkerId { get; } = $"{Environment.MachineName}-{Guid.NewGuid().ToString("N")[..8]}";

    public DateTimeOffset Started { get; } = time.GetUtcNow();

    /// <summary>Every version of the registry is answered for, and those chosen for it have been loaded or have failed to.</summary>
    public volatile bool Loaded;

    /// <summary>Versions that this worker answers for, open or not.</summary>
    public volatile int Versions;

    /// <summary>Told to stop: nothing new is to come here.</summary>
    public volatile bool Draining;

    /// <summary>Why nothing can be computed here at present; null where something can.</summary>
    public string? DeviceFailure => Volatile.Read(ref _deviceFailures) >= DeviceFailuresUntilUnhealthy ? _deviceFailure : null;

    /// <summary>Why a model of the folder could not be registered, by <c>model/version</c>.</summary>
    public ImmutableDictionary<string, string> Failures { get; private set; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Rows that a version runs together where enough wait, as this worker has learned; by <c>model/version</c>.</summary>
    public ConcurrentDictionary<string, int> LearnedRows { get; } = new(StringComparer.Ordinal);

    public long Inferences => Interlocked.Read(ref _inferences);

    public long Executions => Interlocked.Read(ref _executions);

    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Called after each run, on the thread of its instance.</summary>
    public Action<RunTimes>? Ran { get; set; }

    /// <summary>Called for each job whose end this worker has written.</summary>
    public Action<InferenceRequest, TimeSpan, JobState>? JobEnded { get; set; }

    public void Failed(string model, string reason) => Failures = Failures.SetItem(model, reason);

    public void Began(int requests) => Interlocked.Add(ref _inFlight, requests);

    public void Ended(int requests) => Interlocked.Add(ref _inFlight, -requests);

    public void Executed(RunTimes run)
    {
        Interlocked.Add(ref _inferences, run.Rows);
        Interlocked.Increment(ref _executions);
        Ran?.Invoke(run);
    }

    /// <param name="compute">How long its run took; zero where there was none.</param>
    public void Finished(InferenceRequest job, TimeSpan compute, JobState outcome) => JobEnded?.Invoke(job, compute, outcome);

    /// <summary>A run failed through no fault of its input.</summary>
    public void DeviceFailed(string reason)
    {
        _deviceFailure = reason;
        Interlocked.Increment(ref _deviceFailures);
    }

    /// <summary>A run succeeded.</summary>
    public void DeviceWell() => Volatile.Write(ref _deviceFailures, 0);
}
