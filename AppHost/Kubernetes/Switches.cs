namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>Conditions that the chart's values decide, in Helm's words.</summary>
internal static class Switches
{
    /// <summary>The chart makes the Secrets, of values that are given when it is installed.</summary>
    public const string ChartSecrets = "eq .Values.secretSource \"chart\"";

    /// <summary>All read the Secret <c>inference-secrets</c>: somebody made it, or the External Secrets operator does.</summary>
    public const string SharedSecrets = "ne .Values.secretSource \"chart\"";

    public const string ExternalSecrets = "eq .Values.secretSource \"external\"";

    /// <summary>The chart runs Postgres, as one pod with a claim.</summary>
    public const string PostgresPod = "eq .Values.database \"incluster\"";

    /// <summary>The CloudNativePG operator runs it.</summary>
    public const string CloudNativePg = "eq .Values.database \"cloudnativepg\"";

    /// <summary>Somebody else runs it: there is only the secret by which it is reached.</summary>
    public const string ManagedPostgres = "eq .Values.database \"managed\"";

    public const string OwnPostgres = "ne .Values.database \"managed\"";

    /// <summary>Dumps are written on a schedule; who manages a database also backs it up.</summary>
    public const string Backups = $"and .Values.backups.enabled ({OwnPostgres})";

    public const string RedisPod = "eq .Values.redis \"incluster\"";

    public const string ManagedRedis = "eq .Values.redis \"managed\"";

    public const string PostgresTls = $"and .Values.tls ({PostgresPod})";

    public const string RedisTls = $"and .Values.tls ({RedisPod})";

    public const string ServerTls = $"and .Values.tls (or ({PostgresPod}) ({RedisPod}))";

    /// <summary>A managed server's certificate is one that not everybody knows.</summary>
    public const string ManagedPostgresAuthority = $"and ({ManagedPostgres}) .Values.managedAuthorities.postgres";

    public const string ManagedRedisAuthority = $"and ({ManagedRedis}) .Values.managedAuthorities.redis";

    /// <summary>Services know Postgres by a certificate that they are given.</summary>
    public const string PostgresAuthority = $"or ({CloudNativePg}) ({PostgresTls}) ({ManagedPostgresAuthority})";

    public const string RedisAuthority = $"or ({RedisTls}) ({ManagedRedisAuthority})";

    public const string Linkerd = "eq .Values.mesh \"linkerd\"";

    public const string Istio = "eq .Values.mesh \"istio\"";

    /// <summary>Proxies ask for the names of the mesh's own servers.</summary>
    public const string Mesh = "ne .Values.mesh \"none\"";

    public const string Gpu = "ne .Values.gpu \"none\"";

    public const string SpotGpu = "eq .Values.gpu \"spot\"";

    public const string Recommendations = ".Values.recommendations";

    public const string Monitoring = ".Values.monitoring";

    /// <summary>Pods run as the users of their images; elsewhere the cluster gives each namespace users of its own.</summary>
    public const string ImageUsers = "eq .Values.podUsers \"image\"";

    public const string PullSecret = ".Values.imagePullSecret";

    public const string MonitoringRelease = ".Values.monitoringRelease";

    /// <summary>Replicas follow the load; else there are as many as at least.</summary>
    public const string Autoscaling = ".Values.autoscaling";

    public const string FixedReplicas = "not .Values.autoscaling";

    public const string Ingresses = ".Values.ingresses";

    public const string Telemetry = ".Values.otlpEndpoint";

    public const string StorageClass = ".Values.storageClass";

    private static readonly string[][] s_everyValue = [[PostgresPod, CloudNativePg, ManagedPostgres], [RedisPod, ManagedRedis]];

    /// <summary>Whether one of the conditions holds whatever the values are.</summary>
    public static bool AreAlways(IEnumerable<string> conditions)
    {
        var given = conditions.ToHashSet(StringComparer.Ordinal);
        return s_everyValue.Any(values => Array.TrueForAll(values, given.Contains));
    }
}
