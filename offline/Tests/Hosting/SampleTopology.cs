#pragma warning disable ASPIREPROBES001
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Tests.Offline.Hosting;

/// <summary>The application from which the real libraries made the files in Reference/.</summary>
internal static class SampleTopology
{
    public static string Root { get; } = Path.Combine(Path.GetTempPath(), "sample-topology");

    public static string Reference(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Hosting", "Reference", name));

    public static DistributedApplicationBuilder Builder(params string[] args) => new(new DistributedApplicationOptions
    {
        Args = ["--applicationName", "Inference.AppHost", .. args],
        ProjectName = "Inference.AppHost.csproj",
    });

    public static void Describe(IDistributedApplicationBuilder builder) => Describe(builder, named: false);

    /// <param name="named">Whether the volumes have names of their own, as those of a chart must.</param>
    public static void Describe(IDistributedApplicationBuilder builder, bool named)
    {
        var postgresPassword = builder.AddParameter("postgres-password", secret: true);
        var redisPassword = builder.AddParameter("redis-password", secret: true);
        var pepper = builder.AddParameter("api-key-pepper", secret: true);
        var jwtKey = builder.AddParameter("jwt-signing-key", secret: true);

        var postgres = builder.AddPostgres("postgres", password: postgresPassword).WithDataVolume(named ? "postgres-data" : null);
        var inference = postgres.AddDatabase("inference");
        var redis = builder.AddRedis("redis", password: redisPassword).WithDataVolume(named ? "redis-data" : null).WithPersistence();

        var api = builder.AddProject<InferenceApi>("api")
            .WithReference(inference).WaitFor(inference)
            .WithReference(redis).WaitFor(redis)
            .WithHttpHealthCheck("/health")
            .WithHttpProbe(ProbeType.Startup, "/health/startup", periodSeconds: 5, failureThreshold: 30)
            .WithHttpProbe(ProbeType.Readiness, "/ready", periodSeconds: 10, timeoutSeconds: 2)
            .WithHttpProbe(ProbeType.Liveness, "/alive")
            .WithReplicas(2)
            .WithEnvironment("Auth__ApiKeyPepper", pepper)
            .WithEnvironment("Auth__JwtSigningKey", jwtKey);

        builder.AddProject<InferenceWorker>("worker")
            .WithReference(inference).WaitFor(inference)
            .WithReference(redis).WaitFor(redis)
            .WithHttpHealthCheck("/health")
            .WithHttpProbe(ProbeType.Liveness, "/alive")
            .WithEnvironment("Auth__ApiKeyPepper", pepper);

        builder.AddProject<InferenceWeb>("web")
            .WithExternalHttpEndpoints()
            .WithReference(api).WaitFor(api);
    }

    private static string Project(string name) => Path.Combine(Root, "sample", name, $"{name}.csproj");

    private static LaunchSettings Settings(int port) => new()
    {
        Profiles =
        {
            ["http"] = new()
            {
                CommandName = "Project",
                ApplicationUrl = $"http://localhost:{port}",
                EnvironmentVariables = { ["ASPNETCORE_ENVIRONMENT"] = "Development" },
            },
        },
    };

    internal sealed class InferenceApi : IProjectMetadata
    {
        public string ProjectPath => Project("Inference.Api");

        public LaunchSettings LaunchSettings => Settings(5100);
    }

    internal sealed class InferenceWorker : IProjectMetadata
    {
        public string ProjectPath => Project("Inference.Worker");

        public LaunchSettings LaunchSettings => Settings(5101);
    }

    internal sealed class InferenceWeb : IProjectMetadata
    {
        public string ProjectPath => Project("Inference.Web");

        public LaunchSettings LaunchSettings => Settings(5102);
    }
}
