#pragma warning disable ASPIREPROBES001 // The probe types may still change; nothing else says in Aspire what a probe is.

namespace InferenceTemplate.AppHost.Kubernetes;

internal static class Probes
{
    // Health checks end after two seconds, with their verdict; a probe must wait longer than that, or it never hears one.
    private const int TimeoutSeconds = 3;

    /// <summary>
    /// <c>/alive</c> tells whether the process is well: until it is, there is time to start, and when it no longer is, the pod is
    /// restarted. <c>/health</c> tells whether it can do its work: only then it gets requests, and a database that is down restarts nothing.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> builder) => builder
        .WithProbe(ProbeType.Startup, "/alive", periodSeconds: 2, failures: 60)
        .WithProbe(ProbeType.Liveness, "/alive", periodSeconds: 10, failures: 3)
        .WithProbe(ProbeType.Readiness, "/health", periodSeconds: 5, failures: 2)
        .PublishAsKubernetesService(published =>
        {
            foreach (var container in published.Workload!.PodTemplate.Spec.Containers)
            {
                foreach (var probe in new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe })
                {
                    // Aspire 13.5 writes the endpoint's scheme in lower case, which a cluster refuses (microsoft/aspire#18271).
                    if (probe?.HttpGet is { } get)
                    {
                        get.Scheme = "HTTP";
                    }
                }
            }
        });

    // Not by WithHttpProbe: that adds a health check for its path, and two on one path are refused.
    private static IResourceBuilder<ProjectResource> WithProbe(
        this IResourceBuilder<ProjectResource> builder, ProbeType type, string path, int periodSeconds, int failures) =>
        builder.WithAnnotation(new EndpointProbeAnnotation
        {
            Type = type,
            EndpointReference = builder.GetEndpoint("http"),
            Path = path,
            InitialDelaySeconds = 0,
            PeriodSeconds = periodSeconds,
            TimeoutSeconds = TimeoutSeconds,
            FailureThreshold = failures,
            SuccessThreshold = 1,
        });
}
