using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Inference;

/// <param name="DataType">Such as <c>TYPE_FP32</c>.</param>
/// <param name="Dims">Without the batch, where the model has one; -1 stands for a dimension of any size.</param>
/// <param name="Optional">True for an input that requests may leave out; else absent.</param>
internal sealed record TensorConfiguration(
    string Name,
    string DataType,
    long[] Dims,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Optional = null);

/// <param name="PriorityLevels">1 is the highest.</param>
internal sealed record DynamicBatching(
    int[] PreferredBatchSize, long MaxQueueDelayMicroseconds, int PriorityLevels, int DefaultPriorityLevel, QueuePolicy DefaultQueuePolicy);

internal sealed record QueuePolicy(string TimeoutAction, long DefaultTimeoutMicroseconds, bool AllowTimeoutOverride, int MaxQueueSize);

/// <param name="Kind"><c>KIND_CPU</c> or <c>KIND_GPU</c>.</param>
internal sealed record InstanceGroup(string Name, string Kind, int Count, int[] Gpus);

internal sealed record ResponseCacheSwitch(bool Enable);

/// <summary>How a version is served, in the form of Triton's model configuration, its keys and its words.</summary>
/// <param name="MaxBatchSize">0 where requests don't share runs.</param>
/// <param name="DynamicBatching">Null where requests don't share runs.</param>
/// <param name="InstanceGroup">One for each kind of worker that is there now.</param>
internal sealed record ModelConfiguration(
    string Name,
    string Platform,
    string Backend,
    string DefaultModelFilename,
    int MaxBatchSize,
    TensorConfiguration[] Input,
    TensorConfiguration[] Output,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DynamicBatching? DynamicBatching,
    InstanceGroup[] InstanceGroup,
    ResponseCacheSwitch ResponseCache)
{
    private const int BatchWithoutWorkers = 32;

    public static ModelConfiguration Of(ModelVersion version, ModelSettings settings, IEnumerable<WorkerStatus> workers, QueueOptions queue)
    {
        // Workers of different builds or settings may differ: what all of them do is what can be relied on.
        List<WorkerStatus> ready = [.. workers.Where(w => w is { Ready: true, Defaults: not null })];
        var isPipeline = version.Metadata.Steps.Count > 0;
        var batches = BatchDecision.Of(version, settings).Batched;
        var delay = settings.Batching.MaxDelay ?? ready.Select(w => w.Defaults!.MaxBatchDelay).DefaultIfEmpty().Min();
        return new ModelConfiguration(
            version.Model,
            version.Platform,
            isPipeline ? "" : "onnxruntime",
            isPipeline ? "pipeline.json" : "model.onnx",
            batches ? settings.Batching.MaxSize
                ?? ready.Select(w => w.Defaults!.MaxBatchSize).DefaultIfEmpty(BatchWithoutWorkers).Min() : 0,
            [
                .. Tensors(version.Signature.Inputs, batches),
                .. Tensors(version.Signature.OptionalInputs, batches: false).Select(i => i with { Optional = true }),
            ],
            Tensors(version.Signature.Outputs, batches),
            batches ? Batching(settings.Batching, delay, queue) : null,
            [.. ready
                .GroupBy(w => (Gpu: IsGpu(w), Count: settings.Instances ?? w.Defaults!.Instances))
                .Select(g => Group(version.Model, g.Key.Gpu, g.Key.Count, g))],
            new ResponseCacheSwitch(settings.Cache is not null));
    }

    private static TensorConfiguration[] Tensors(TensorSignature[] tensors, bool batches) =>
        [.. tensors.Select(t => new TensorConfiguration(t.Name, $"TYPE_{Word(t.Datatype)}", batches ? t.Shape[1..] : t.ToldShape()))];

    // Triton calls it by another name here than in the protocol.
    private static string Word(Datatype datatype) => datatype == Datatype.Bytes ? "STRING" : datatype.Name();

    private static DynamicBatching Batching(BatchingSettings batching, TimeSpan delay, QueueOptions queue) => new(
        batching.PreferredSizes,
        (long)delay.TotalMicroseconds,
        PriorityLevels: 3,
        DefaultPriorityLevel: 2,
        new QueuePolicy("REJECT", (long)queue.DefaultTimeout.TotalMicroseconds, AllowTimeoutOverride: true, queue.MaxDepth));

    private static InstanceGroup Group(string model, bool gpu, int count, IEnumerable<WorkerStatus> workers) => new(
        $"{model}_{(gpu ? "gpu" : "cpu")}",
        gpu ? "KIND_GPU" : "KIND_CPU",
        count,
        gpu ? [.. workers.Select(w => int.TryParse(w.Device.Split(':')[^1], out var id) ? id : 0).Distinct().Order()] : []);

    private static bool IsGpu(WorkerStatus worker) => worker.Device.StartsWith("cuda", StringComparison.Ordinal);
}
