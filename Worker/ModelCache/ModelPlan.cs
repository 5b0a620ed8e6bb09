using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>A model version whose artifact is at hand and which has yet to be opened.</summary>
/// <param name="EstimatedBytes">Memory that it is likely to take.</param>
/// <param name="Open">
/// Opens it and warms it up; blocks for as long as that takes. It gets a lease for each of <see cref="Steps"/>, which the session gives
/// back when it is closed.
/// </param>
internal sealed record ModelPlan(long EstimatedBytes, long ArtifactBytes, Func<IReadOnlyList<ModelLease>, ModelSession> Open) : IDisposable
{
    /// <summary>What keeps its files on this machine's disk until it is open, or will not be.</summary>
    public IDisposable? Files { get; init; }

    /// <summary>The models of a pipeline: open before it is, and as long as it is.</summary>
    public IReadOnlyList<PipelineStep> Steps { get; init; } = [];

    /// <summary>What each of <see cref="Steps"/> is likely to take, in their order.</summary>
    public IReadOnlyList<long> StepBytes { get; init; } = [];

    public void Dispose() => Files?.Dispose();
}

/// <summary>Brings a version's artifact to this machine.</summary>
internal delegate Task<ModelPlan> PlanModel(ModelKey key, CancellationToken cancellationToken);
