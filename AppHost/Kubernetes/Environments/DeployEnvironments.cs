namespace InferenceTemplate.AppHost.Kubernetes.Environments;

internal static class DeployEnvironments
{
    /// <summary>A cluster of one small node, without a GPU: for trying changes to the deployment itself.</summary>
    public static DeployEnvironment Development { get; } = new("development")
    {
        Hosts = new("inference-template.dev.example.com", "api.inference-template.dev.example.com"),
        Api = new(100, 1000, 384),
        Worker = new(250, 2000, 1024),
        Web = new(50, 500, 256),
        Postgres = new(100, 1000, 512),
        Redis = new(50, 500, 256),
        ApiReplicas = new(1, 2),
        WorkerReplicas = new(0, 2),
        WebReplicas = 1,
        DatabaseInstances = 1,
        PostgresGibibytes = 5,
        RedisGibibytes = 1,
        BackupGibibytes = 5,
        ModelGibibytes = 4,
    };

    /// <summary>Production's rehearsal: every replica has a second, GPUs are spot ones, and workers go when nothing waits.</summary>
    public static DeployEnvironment Staging { get; } = new("staging")
    {
        Hosts = new("inference-template.staging.example.com", "api.inference-template.staging.example.com"),
        Api = new(250, 2000, 512),
        Worker = new(1000, 4000, 4096),
        Web = new(100, 1000, 384),
        Postgres = new(250, 2000, 1024),
        Redis = new(100, 1000, 512),
        ApiReplicas = new(2, 6),
        WorkerReplicas = new(0, 3),
        WebReplicas = 2,
        DatabaseInstances = 2,
        PostgresGibibytes = 20,
        RedisGibibytes = 5,
        BackupGibibytes = 40,
        ModelGibibytes = 20,
        Gpu = "spot",
    };

    /// <summary>
    /// Three zones: three of everything that serves. Two workers stay, since loading a model takes longer than a caller waits.
    /// </summary>
    public static DeployEnvironment Production { get; } = new("production")
    {
        Hosts = new("inference-template.example.com", "api.inference-template.example.com"),
        Api = new(500, 2000, 1024),
        Worker = new(2000, 8000, 16384),
        Web = new(250, 1000, 512),
        Postgres = new(2000, 4000, 8192),
        Redis = new(500, 2000, 4096),
        ApiReplicas = new(3, 50),
        WorkerReplicas = new(2, 20),
        WebReplicas = 3,
        DatabaseInstances = 3,
        PostgresGibibytes = 200,
        RedisGibibytes = 20,
        BackupGibibytes = 400,
        ModelGibibytes = 50,
        Gpu = "ondemand",
    };
}
