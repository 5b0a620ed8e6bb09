namespace InferenceTemplate.AppHost.Kubernetes.Environments;

/// <summary>How many pods at least and at most.</summary>
internal sealed record Replicas(int Min, int Max);

/// <summary>Names under which browsers and clients find the product.</summary>
internal sealed record Hosts(string Web, string Api);

/// <summary>GPUs of a worker pod; spot nodes are cheap and may go at any time.</summary>
internal enum GpuNodes
{
    None,
    OnDemand,
    Spot,
}

/// <summary>
/// Everything in which one environment differs from another: sizes, never shapes. The same objects, containers, variables and policies
/// are rendered for each, so that what passed in staging is what runs in production.
/// </summary>
internal sealed record DeployEnvironment
{
    public required string Name { get; init; }

    public required Hosts Hosts { get; init; }

    public required PodSize Api { get; init; }

    public required PodSize Worker { get; init; }

    //#if (web)
    public required PodSize Web { get; init; }

    //#endif
    public required PodSize Postgres { get; init; }

    public required PodSize Redis { get; init; }

    /// <summary>Bounds of the Api's autoscaler.</summary>
    public required Replicas ApiReplicas { get; init; }

    /// <summary>Bounds of the workers' autoscaler; a minimum of 0 lets them go when nothing waits.</summary>
    public required Replicas WorkerReplicas { get; init; }

    //#if (web)
    public required int WebReplicas { get; init; }

    //#endif
    /// <summary>Instances of the database where an operator runs it.</summary>
    public required int DatabaseInstances { get; init; }

    public required int PostgresGibibytes { get; init; }

    public required int RedisGibibytes { get; init; }

    /// <summary>Disk of a worker for the files of models.</summary>
    public required int WorkerScratchGibibytes { get; init; }

    public int WorkerScratchMebibytes => WorkerScratchGibibytes * 1024;

    public GpuNodes Gpu { get; init; } = GpuNodes.None;

    /// <summary>Requests that may wait for each worker before another is started.</summary>
    public int WaitingPerWorker { get; init; } = 16;

    public static DeployEnvironment Named(string name) =>
        Array.Find(All, environment => environment.Name == name)
        ?? throw new DistributedApplicationException(
            $"Deploy:Environment is '{name}': it must be one of {string.Join(", ", All.Select(environment => environment.Name))}.");

    private static DeployEnvironment[] All => [Development.Environment, Staging.Environment, Production.Environment];
}
