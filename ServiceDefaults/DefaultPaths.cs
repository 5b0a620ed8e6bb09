using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.ServiceDefaults;

/// <summary>The paths that probes and scrapers ask for.</summary>
public static class DefaultPaths
{
    /// <summary>Liveness: 200 while the process is well. Restarting is the remedy when it is not.</summary>
    public const string Alive = "/alive";

    /// <summary>Readiness: 200 while the service can do its work, 503 while it cannot.</summary>
    public const string Health = "/health";

    /// <summary>Readiness check by check, for those who may see it.</summary>
    public const string HealthDetailed = "/health/detailed";

    /// <summary>Prometheus text exposition.</summary>
    public const string Metrics = "/metrics";

    /// <summary>True for the paths above, which come so often that they would drown the traces of real requests.</summary>
    internal static bool IsProbe(PathString path) =>
        path.StartsWithSegments(Alive, StringComparison.Ordinal)
        || path.StartsWithSegments(Health, StringComparison.Ordinal)
        || path.StartsWithSegments(Metrics, StringComparison.Ordinal);
}
