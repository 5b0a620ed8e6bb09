namespace InferenceTemplate.AppHost.Kubernetes.Environments;

/// <summary>A cluster of one small node, without a GPU: for trying changes to the deployment itself.</summary>
internal static class Development
{
    public static DeployEnvironment Environment { get; } = new()
    {
        Name = "development",
        Hosts = new("inference-template.dev.example.com", "api.inference-template.dev.example.com"),
        Api = new(100, 1000, 384),
        Worker = new(250, 2000, 1024),
        //#if (web)
        Web = new(50, 500, 256),
        //#endif
        Postgres = new(100, 1000, 512),
        Redis = new(50, 500, 256),
        ApiReplicas = new(1, 2),
        WorkerReplicas = new(0, 2),
        //#if (web)
        WebReplicas = 1,
        //#endif
        DatabaseInstances = 1,
        PostgresGibibytes = 5,
        RedisGibibytes = 1,
        WorkerScratchGibibytes = 4,
    };
}
