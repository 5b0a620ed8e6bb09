namespace InferenceTemplate.Core.Fleet;

/// <summary>How soon the fleet can answer for a model version.</summary>
public enum ModelState
{
    /// <summary>No worker takes work, or every one that does failed to load it.</summary>
    Unavailable,

    /// <summary>Workers are starting.</summary>
    Loading,

    /// <summary>No worker has it open; the first request has one open it.</summary>
    Cold,

    /// <summary>A worker has it open and warm.</summary>
    Ready,
}

public static class ModelStates
{
    /// <param name="name"><c>model/version</c>.</param>
    public static ModelState StateOf(this IEnumerable<WorkerStatus> workers, string name) =>
        workers.Select(w => Of(w, name)).DefaultIfEmpty(ModelState.Unavailable).Max();

    private static ModelState Of(WorkerStatus worker, string name) => worker switch
    {
        { State: WorkerState.Draining or WorkerState.Drained } => ModelState.Unavailable,
        { Ready: false } => ModelState.Loading,
        _ when worker.Models.Contains(name, StringComparer.Ordinal) => ModelState.Ready,
        _ when worker.Failures.Any(f => f.Model == name) => ModelState.Unavailable,
        _ => ModelState.Cold,
    };
}
