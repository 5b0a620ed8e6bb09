namespace InferenceTemplate.AppHost.Kubernetes.Environments;

/// <summary>Three zones: three of everything that serves. Two workers stay, since loading a model takes longer than a caller waits.</summary>
internal static class Production
{
    public static DeployEnvironment Environment { get; } = new()
    {
        Name = "production",
        Hosts = new("inference-template.example.com", "api.inference-template.example.com"),
        Api = new(500, 2000, 1024),
        Worker = new(2000, 8000, 16384),
        //#if (web)
        Web = new(250, 1000, 512),
        //#endif
        Postgres = new(2000, 4000, 8192),
        Redis = new(500, 2000, 4096),
        ApiReplicas = new(3, 50),
        WorkerReplicas = new(2, 20),
        //#if (web)
        WebReplicas = 3,
        //#endif
        DatabaseInstances = 3,
        PostgresGibibytes = 200,
        RedisGibibytes = 20,
        WorkerScratchGibibytes = 50,
        //#if (cuda)
        Gpu = GpuNodes.OnDemand,
        //#endif
    };
}
