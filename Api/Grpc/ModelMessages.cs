using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Api.Inference;
using InferStatistics = InferenceTemplate.Api.Grpc.Protocol.InferStatistics;
using StatisticDuration = InferenceTemplate.Api.Grpc.Protocol.StatisticDuration;

namespace InferenceTemplate.Api.Grpc;

/// <summary>What is told of models, from the records of the REST endpoints.</summary>
internal static class ModelMessages
{
    public static ModelMetadataResponse Of(ModelMetadata metadata) => new()
    {
        Name = metadata.Name,
        Versions = { metadata.Versions },
        Platform = metadata.Platform,
        Inputs = { metadata.Inputs.Select(Of) },
        Outputs = { metadata.Outputs.Select(Of) },
        Properties =
        {
            ["batching"] = metadata.Parameters.Batching ? "true" : "false",
            ["batching_reason"] = metadata.Parameters.BatchingReason,
        },
    };

    public static RepositoryIndexResponse.Types.ModelIndex Of(RepositoryEntry entry) =>
        new() { Name = entry.Name, Version = entry.Version, State = entry.State, Reason = entry.Reason };

    public static ModelConfig Of(ModelConfiguration configuration)
    {
        var config = new ModelConfig
        {
            Name = configuration.Name,
            Platform = configuration.Platform,
            Backend = configuration.Backend,
            DefaultModelFilename = configuration.DefaultModelFilename,
            MaxBatchSize = configuration.MaxBatchSize,
            Input =
            {
                configuration.Input.Select(t => new ModelInput
                {
                    Name = t.Name,
                    DataType = TypeOf(t),
                    Dims = { t.Dims },
                    Optional = t.Optional == true,
                }),
            },
            Output = { configuration.Output.Select(t => new ModelOutput { Name = t.Name, DataType = TypeOf(t), Dims = { t.Dims } }) },
            InstanceGroup = { configuration.InstanceGroup.Select(Of) },
            ResponseCache = new() { Enable = configuration.ResponseCache.Enable },
        };
        if (configuration.DynamicBatching is { } batching)
        {
            config.DynamicBatching = Of(batching);
        }

        return config;
    }

    public static ModelStatistics Of(ModelStatisticsEntry entry) => new()
    {
        Name = entry.Name,
        Version = entry.Version,
        LastInference = (ulong)entry.LastInference,
        InferenceCount = (ulong)entry.InferenceCount,
        ExecutionCount = (ulong)entry.ExecutionCount,
        InferenceStats = new InferStatistics
        {
            Success = Of(entry.InferenceStats.Success),
            Fail = Of(entry.InferenceStats.Fail),
            Queue = Of(entry.InferenceStats.Queue),
            ComputeInput = Of(entry.InferenceStats.ComputeInput),
            ComputeInfer = Of(entry.InferenceStats.ComputeInfer),
            ComputeOutput = Of(entry.InferenceStats.ComputeOutput),
            CacheHit = Of(entry.InferenceStats.CacheHit),
            CacheMiss = Of(entry.InferenceStats.CacheMiss),
        },
        BatchStats =
        {
            entry.BatchStats.Select(b => new InferBatchStatistics
            {
                BatchSize = (ulong)b.BatchSize,
                ComputeInput = Of(b.ComputeInput),
                ComputeInfer = Of(b.ComputeInfer),
                ComputeOutput = Of(b.ComputeOutput),
            }),
        },
    };

    private static ModelMetadataResponse.Types.TensorMetadata Of(TensorMetadata tensor) =>
        new() { Name = tensor.Name, Datatype = tensor.Datatype, Shape = { tensor.Shape } };

    private static StatisticDuration Of(Inference.StatisticDuration duration) =>
        new() { Count = (ulong)duration.Count, Ns = (ulong)duration.Ns };

    private static ModelInstanceGroup Of(InstanceGroup group) => new()
    {
        Name = group.Name,
        Count = group.Count,
        Gpus = { group.Gpus },
        Kind = group.Kind == "KIND_GPU" ? ModelInstanceGroup.Types.Kind.Gpu : ModelInstanceGroup.Types.Kind.Cpu,
    };

    private static ModelDynamicBatching Of(DynamicBatching batching) => new()
    {
        PreferredBatchSize = { batching.PreferredBatchSize },
        MaxQueueDelayMicroseconds = (ulong)batching.MaxQueueDelayMicroseconds,
        PriorityLevels = (ulong)batching.PriorityLevels,
        DefaultPriorityLevel = (ulong)batching.DefaultPriorityLevel,
        DefaultQueuePolicy = new()
        {
            TimeoutAction = ModelQueuePolicy.Types.TimeoutAction.Reject,
            DefaultTimeoutMicroseconds = (ulong)batching.DefaultQueuePolicy.DefaultTimeoutMicroseconds,
            AllowTimeoutOverride = batching.DefaultQueuePolicy.AllowTimeoutOverride,
            MaxQueueSize = (uint)batching.DefaultQueuePolicy.MaxQueueSize,
        },
    };

    // TYPE_FP32 is TypeFp32 in C#, and so on.
    private static DataType TypeOf(TensorConfiguration tensor) =>
        Enum.Parse<DataType>(tensor.DataType.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
}
