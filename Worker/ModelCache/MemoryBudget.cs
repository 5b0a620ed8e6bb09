namespace InferenceTemplate.Worker.ModelCache;

/// <summary>How much memory open models may take, and how much this process or device uses.</summary>
/// <param name="Limit">Bytes for all models together.</param>
/// <param name="Used">Reads the bytes in use now, by whatever it is; differences around a load are what is wanted.</param>
internal sealed record MemoryBudget(long Limit, Func<long> Used)
{
    // The protobuf, its graph and what the runtime packs for its kernels; corrected once the model is open.
    private const double SizeFactor = 2;

    /// <summary>Half of what the runtime may have, which is a container's limit where there is one.</summary>
    public static long HalfOfMemory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    public static MemoryBudget OfProcess(long? limit) => new(limit ?? HalfOfMemory, () => Environment.WorkingSet);

    /// <summary>What a model is likely to take, from its file and, where there is one, an earlier measurement.</summary>
    public static long Estimate(long artefactBytes, long measuredBytes) =>
        Math.Max((long)(artefactBytes * SizeFactor), measuredBytes);

    /// <summary>
    /// What it took, from the growth around its load. Other work grows and shrinks the same memory, so the growth is believed only
    /// between the file's size and four times the estimate.
    /// </summary>
    public static long Correct(ModelPlan plan, long growth) =>
        Math.Clamp(growth, plan.ArtefactBytes, Math.Max(plan.ArtefactBytes, 4 * plan.EstimatedBytes));
}
