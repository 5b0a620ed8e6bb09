using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>A model version whose artifact is at hand and which has yet to be opened.</summary>
/// <param name="EstimatedBytes">Memory that it is likely to take.</param>
/// <param name="Open">Opens it and warms it up; blocks for as long as that takes.</param>
internal sealed record ModelPlan(long EstimatedBytes, long ArtifactBytes, Func<ModelSession> Open);

/// <summary>Brings a version's artifact to this machine.</summary>
internal delegate Task<ModelPlan> PlanModel(ModelKey key, CancellationToken cancellationToken);
