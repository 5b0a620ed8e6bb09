using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Gpu;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>How much memory open models may take, and how much this process or device uses.</summary>
/// <param name="Limit">Bytes for all models together.</param>
/// <param name="Used">Reads the bytes in use now, by whatever it is; differences around a load are what is wanted.</param>
internal sealed record MemoryBudget(long Limit, Func<long> Used)
{
    // The protobuf, its graph and what the runtime packs for its kernels; corrected once the model is open.
    private const double SizeFactor = 2;

    // The rest is for the arenas of runs.
    private const double ShareOfGpu = 0.8;
    private const double ShareOfMemory = 0.5;

    /// <summary>Counts the GPU's memory where models are computed there and it can be asked, else the process's.</summary>
    public static MemoryBudget For(long? limit, ExecutionDevice device, int deviceId, GpuReader gpus)
    {
        // NVML's order and CUDA's differ only on machines with unlike GPUs and without CUDA_DEVICE_ORDER=PCI_BUS_ID.
        if (device.Name != "cpu" && gpus.Read() is { } read && deviceId < read.Length && read[deviceId] is { MemoryTotal: { } total })
        {
            return new MemoryBudget(limit ?? (long)(total * ShareOfGpu),
                () => gpus.Read() is { } now && deviceId < now.Length ? now[deviceId].MemoryUsed ?? 0 : 0);
        }

        // What the runtime may have is a container's limit where there is one.
        return new MemoryBudget(
            limit ?? (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * ShareOfMemory), () => Environment.WorkingSet);
    }

    /// <summary>What a model is likely to take, from its file and, where there is one, an earlier measurement.</summary>
    public static long Estimate(long artifactBytes, long measuredBytes) =>
        Math.Max((long)(artifactBytes * SizeFactor), measuredBytes);

    /// <summary>What a version is likely to take where some are open: a pipeline takes what those of its steps take that are not.</summary>
    public static long Estimate(ModelVersion version, CatalogSnapshot snapshot, Func<ModelKey, bool> isOpen) =>
        version.Metadata.Steps.Count == 0
            ? Estimate(version.SizeBytes, version.MemoryBytes)
            : version.Metadata.Steps.DistinctBy(s => (s.Model, s.Version))
                .Where(s => !isOpen(new ModelKey(s.Model, s.Version)))
                .Sum(s => snapshot.Find(s.Model, s.Version) is { } step ? Estimate(step.SizeBytes, step.MemoryBytes) : 0);

    /// <summary>
    /// What it took, from the growth around its load. Other work grows and shrinks the same memory, so the growth is believed only
    /// between the file's size and four times the estimate.
    /// </summary>
    public static long Correct(ModelPlan plan, long growth) =>
        Math.Clamp(growth, plan.ArtifactBytes, Math.Max(plan.ArtifactBytes, 4 * plan.EstimatedBytes));
}
