namespace InferenceTemplate.AppHost.Kubernetes.Environments;

/// <summary>
/// Everything in which one environment differs from another: sizes, never shapes, so that what passed in staging runs in production.
/// </summary>
internal sealed record DeployEnvironment(string Name)
{
    public required Hosts Hosts { get; init; }

    public required PodSize Api { get; init; }

    public required PodSize Worker { get; init; }

    public required PodSize Web { get; init; }

    public required PodSize Postgres { get; init; }

    public required PodSize Redis { get; init; }

    /// <summary>Bounds of the Api's autoscaler.</summary>
    public required Replicas ApiReplicas { get; init; }

    /// <summary>Bounds of the workers' autoscaler; with a minimum of 0 none runs while nothing waits.</summary>
    public required Replicas WorkerReplicas { get; init; }

    public required int WebReplicas { get; init; }

    /// <summary>Instances of the database where an operator runs it.</summary>
    public required int DatabaseInstances { get; init; }

    public required int PostgresGibibytes { get; init; }

    public required int RedisGibibytes { get; init; }

    /// <summary>Disk for the dumps of the database.</summary>
    public required int BackupGibibytes { get; init; }

    /// <summary>Disk of a worker for the files of models.</summary>
    public required int ModelGibibytes { get; init; }

    /// <summary>
    /// Nodes for workers: <c>none</c> have a GPU, <c>ondemand</c>, or <c>spot</c>, which are cheap and may go at any time.
    /// </summary>
    public string Gpu { get; init; } = "none";

    /// <summary>Requests that may wait for each worker before another is started.</summary>
    public int WaitingPerWorker { get; init; } = 16;

    public static IReadOnlyList<DeployEnvironment> All =>
        [DeployEnvironments.Development, DeployEnvironments.Staging, DeployEnvironments.Production];
}

/// <summary>How many pods at least and at most.</summary>
internal sealed record Replicas(int Min, int Max);

/// <summary>Names under which browsers and clients find the product.</summary>
internal sealed record Hosts(string Web, string Api);

/// <summary>
/// What each pod of a resource is promised and may take at most. Memory is promised in full: a pod that is given more than was
/// promised is the first to be killed when a node runs out.
/// </summary>
internal sealed record PodSize(int Millicores, int LimitMillicores, int Mebibytes);
