using InferenceTemplate.AppHost.Kubernetes.Environments;
using Microsoft.Extensions.Configuration;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>Who runs a server.</summary>
internal enum ServerKind
{
    /// <summary>The chart, as one pod with a claim.</summary>
    InCluster,

    /// <summary>Somebody else: the chart has no server, only the secret by which it is reached.</summary>
    Managed,

    /// <summary>The CloudNativePG operator (the database only).</summary>
    CloudNativePG,
}

/// <summary>Where pods get their secrets from.</summary>
internal enum SecretSource
{
    /// <summary>Values that are given when the chart is installed; the chart makes Secrets of them.</summary>
    Chart,

    /// <summary>The Secret <c>inference-secrets</c>, which somebody made before.</summary>
    Existing,

    /// <summary>The same Secret, which the External Secrets operator makes from a vault.</summary>
    External,
}

/// <summary>Who encrypts the hops between pods.</summary>
internal enum MeshKind
{
    None,
    Linkerd,
    Istio,
}

/// <summary>What is chosen when a chart is published, by <c>Deploy:*</c> of the configuration (<c>--Deploy:Environment=staging</c>).</summary>
internal sealed record DeploySettings
{
    public required DeployEnvironment Environment { get; init; }

    public ServerKind Database { get; init; }

    public ServerKind Redis { get; init; }

    public SecretSource Secrets { get; init; }

    public MeshKind Mesh { get; init; }

    /// <summary>TLS to the servers of the chart, with certificates of cert-manager. Managed servers and the operator's always have it.</summary>
    public bool Tls { get; init; }

    /// <summary>Objects of the vertical autoscaler that recommend sizes and change nothing.</summary>
    public bool Recommendations { get; init; }

    /// <summary>The class of the claims; null for the cluster's default.</summary>
    public string? StorageClass { get; init; }

    public string OtlpEndpoint { get; init; } = "http://otel-collector.observability.svc.cluster.local:4317";

    public string IngressClass { get; init; } = "nginx";

    public string ClusterIssuer { get; init; } = "letsencrypt";

    /// <summary>Where the External Secrets operator looks.</summary>
    public string SecretStore { get; init; } = "vault";

    public static DeploySettings Read(IConfiguration configuration)
    {
        var deploy = configuration.GetSection("Deploy");
        var environment = DeployEnvironment.Named(deploy["Environment"] ?? "production");
        var defaults = new DeploySettings { Environment = environment };
        var redis = Choice(deploy, "Redis", ServerKind.InCluster);
        return redis == ServerKind.CloudNativePG
            ? throw new DistributedApplicationException("Deploy:Redis is 'cloudnativepg', which runs Postgres only: it must be incluster or managed.")
            : defaults with
            {
                Environment = environment with
                {
                    Gpu = Choice(deploy, "Gpu", environment.Gpu),
                    Hosts = new(deploy["WebHost"] ?? environment.Hosts.Web, deploy["ApiHost"] ?? environment.Hosts.Api),
                },
                Database = Choice(deploy, "Database", ServerKind.InCluster),
                Redis = redis,
                Secrets = Choice(deploy, "Secrets", SecretSource.Chart),
                Mesh = Choice(deploy, "Mesh", MeshKind.None),
                Tls = Flag(deploy, "Tls"),
                Recommendations = Flag(deploy, "Recommendations"),
                StorageClass = deploy["StorageClass"],
                OtlpEndpoint = deploy["OtlpEndpoint"] ?? defaults.OtlpEndpoint,
                IngressClass = deploy["IngressClass"] ?? defaults.IngressClass,
                ClusterIssuer = deploy["ClusterIssuer"] ?? defaults.ClusterIssuer,
                SecretStore = deploy["SecretStore"] ?? defaults.SecretStore,
            };
    }

    private static T Choice<T>(IConfiguration deploy, string key, T otherwise)
        where T : struct, Enum =>
        deploy[key] is not { } text ? otherwise
        : Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value) ? value
        : throw new DistributedApplicationException(
            $"Deploy:{key} is '{text}': it must be one of {string.Join(", ", Enum.GetNames<T>().Select(name => name.ToLowerInvariant()))}.");

    private static bool Flag(IConfiguration deploy, string key) =>
        deploy[key] is not { } text ? false
        : bool.TryParse(text, out var value) ? value
        : throw new DistributedApplicationException($"Deploy:{key} is '{text}': it must be true or false.");
}
