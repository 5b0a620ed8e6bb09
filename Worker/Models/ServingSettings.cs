using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Models;

/// <summary>The part of a model's settings that its server was made from.</summary>
internal static class ServingSettings
{
    /// <summary>Whether a server made from one may go on under the other.</summary>
    public static bool Same(ModelSettings a, ModelSettings b) =>
        a.Instances == b.Instances
        && a.Batching with { PreferredSizes = [] } == b.Batching with { PreferredSizes = [] }
        && a.Batching.PreferredSizes.AsSpan().SequenceEqual(b.Batching.PreferredSizes);
}
