namespace InferenceTemplate.Core.Fleet;

/// <summary>What one worker says of itself each second.</summary>
/// <remarks>
/// What is settable came later: generated JSON readers leave it as it is where a process of an older build does not write it, while
/// <c>init</c> properties they would set to null.
/// </remarks>
/// <param name="Ready">Whether it takes new work.</param>
/// <param name="Device">Where it computes: <c>cpu</c> or <c>cuda:0</c>.</param>
/// <param name="Models">The model versions it has loaded and warm, as <c>model/version</c>.</param>
public sealed record WorkerStatus(
    string Id,
    string Host,
    DateTimeOffset Started,
    bool Ready,
    string Device,
    string ExecutionProvider,
    string[] Models,
    double InferencesPerSecond,
    double ExecutionsPerSecond,
    double MeanBatchSize,
    int InFlight)
{
    /// <summary>One of <see cref="WorkerState"/>; null for a worker of an older build.</summary>
    public string? State { get; set; }

    /// <summary>The open models, least recently used first.</summary>
    public IReadOnlyList<CachedModelStatus> Cache { get; set; } = [];

    /// <summary>Bytes that open models may take together; 0 where it is not known.</summary>
    public long ModelMemoryLimit { get; set; }

    /// <summary>Model versions whose last load failed.</summary>
    public IReadOnlyList<ModelFailure> Failures { get; set; } = [];

    /// <summary>What it does with models whose settings do not say; null for a worker of an older build.</summary>
    public ServingDefaults? Defaults { get; set; }

    public IReadOnlyList<GpuStatus> Gpus { get; set; } = [];

    /// <summary>Processor cores that it used over the last second; null for a worker of an older build.</summary>
    public double? CpuCores { get; set; }

    /// <summary>Resident bytes of its process, open models included; null for a worker of an older build.</summary>
    public long? MemoryBytes { get; set; }

    /// <summary>Its build, as <see cref="RunningBuild"/>; null for a worker of an older one.</summary>
    public string? Build { get; set; }

    /// <summary>Version of ONNX Runtime; null for a worker of an older build.</summary>
    public string? OnnxRuntime { get; set; }

    /// <summary>Where it takes calls by direct connections; null where it takes none.</summary>
    public DirectEndpoint? Direct { get; set; }

    /// <summary>The model versions that it serves by direct connections now, and what it holds of each.</summary>
    public IReadOnlyList<DirectQueueStatus> DirectQueues { get; set; } = [];
}

/// <param name="Protocol">Version of the frames that it speaks.</param>
public sealed record DirectEndpoint(string Host, int Port, int Protocol);

/// <param name="Model"><c>model/version</c>.</param>
/// <param name="Bytes">Of the requests that wait or run.</param>
/// <param name="Levels">One for each <see cref="Queue.Priority"/>, in their order.</param>
public sealed record DirectQueueStatus(string Model, long Bytes, DirectLevelStatus[] Levels);

/// <param name="Depth">Requests that wait or run.</param>
/// <param name="OldestSeconds">Since the oldest of them was sent; zero where there is none.</param>
public sealed record DirectLevelStatus(long Depth, double OldestSeconds);

/// <param name="MaxBatchSize">Rows that may run together.</param>
/// <param name="MaxBatchDelay">How long a batch that is not full waits for more.</param>
/// <param name="Instances">Runs of one model version that may overlap.</param>
public sealed record ServingDefaults(int MaxBatchSize, TimeSpan MaxBatchDelay, int Instances);

/// <param name="Model"><c>model/version</c>.</param>
/// <param name="State"><c>loading</c>, <c>ready</c> or <c>closing</c>.</param>
/// <param name="Bytes">Memory reserved or measured.</param>
/// <param name="Leases">Who uses it now; without any it may be evicted.</param>
public sealed record CachedModelStatus(string Model, string State, long Bytes, int Leases, DateTimeOffset LastUsed)
{
    /// <summary>Rows that it runs together where enough wait, as it has learned; null before its first run.</summary>
    public int? BatchRows { get; set; }
}

/// <param name="Model"><c>model/version</c>.</param>
/// <param name="RetryAt">Until then the worker refuses to load it again; in the past once it may be tried.</param>
public sealed record ModelFailure(string Model, string Reason, DateTimeOffset RetryAt);
