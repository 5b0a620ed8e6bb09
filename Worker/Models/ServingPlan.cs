using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Models;

/// <summary>How one version is served.</summary>
/// <param name="Batched">Whether requests of different callers may share runs.</param>
internal sealed record ServingPlan(ModelSettings Settings, bool Batched)
{
    /// <summary>Whether a server made by one may go on under the other.</summary>
    public static bool Same(ServingPlan a, ServingPlan b)
    {
        var (one, other) = (a.Settings, b.Settings);
        return a.Batched == b.Batched
            && one.Instances == other.Instances
            && one.Batching.MaxSize == other.Batching.MaxSize
            && one.Batching.MaxDelay == other.Batching.MaxDelay
            && one.Batching.Ragged == other.Batching.Ragged
            && one.Batching.PreferredSizes.AsSpan().SequenceEqual(other.Batching.PreferredSizes);
    }
}
