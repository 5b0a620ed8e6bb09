namespace InferenceTemplate.AppHost.Kubernetes.Environments;

/// <summary>Production's rehearsal: every replica has a second, GPUs are spot ones, and workers go when nothing waits.</summary>
internal static class Staging
{
    public static DeployEnvironment Environment { get; } = new()
    {
        Name = "staging",
        Hosts = new("inference-template.staging.example.com", "api.inference-template.staging.example.com"),
        Api = new(250, 2000, 512),
        Worker = new(1000, 4000, 4096),
        //#if (web)
        Web = new(100, 1000, 384),
        //#endif
        Postgres = new(250, 2000, 1024),
        Redis = new(100, 1000, 512),
        ApiReplicas = new(2, 6),
        WorkerReplicas = new(0, 3),
        //#if (web)
        WebReplicas = 2,
        //#endif
        DatabaseInstances = 2,
        PostgresGibibytes = 20,
        RedisGibibytes = 5,
        WorkerScratchGibibytes = 20,
        //#if (cuda)
        Gpu = GpuNodes.Spot,
        //#endif
    };
}
