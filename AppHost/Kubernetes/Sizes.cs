using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>Processor and memory of a container, in the units of Kubernetes (<c>250m</c>, <c>2</c>; <c>512Mi</c>, <c>2Gi</c>).</summary>
internal sealed record Quantities(string Cpu, string Memory);

/// <summary>
/// What each pod of a resource is promised, what it may take at most, and how many seconds it has to end its work.
/// Memory is promised in full: a pod that is given more than was promised is the first to be killed when a node runs out.
/// </summary>
internal sealed record Size(Quantities Requests, Quantities Limits, int TerminationSeconds);

internal static class Sizes
{
    public static Size Api { get; } = new(new("250m", "512Mi"), new("2", "512Mi"), Shutdown.KillAfterSeconds);

    public static Size Worker { get; } = new(new("1", "2Gi"), new("4", "2Gi"), Shutdown.KillAfterSeconds);

    public static Size Web { get; } = new(new("100m", "384Mi"), new("1", "384Mi"), Shutdown.KillAfterSeconds);

    public static Size Postgres { get; } = new(new("500m", "1Gi"), new("2", "1Gi"), 120);

    public static Size Redis { get; } = new(new("250m", "1Gi"), new("1", "1Gi"), 60);

    public static IResourceBuilder<T> WithSize<T>(this IResourceBuilder<T> builder, Size size)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var pod = published.Workload!.PodTemplate.Spec;
            pod.TerminationGracePeriodSeconds = size.TerminationSeconds;
            foreach (var container in pod.Containers)
            {
                container.Resources = new ResourceRequirementsV1();
                Set(container.Resources.Requests, size.Requests);
                Set(container.Resources.Limits, size.Limits);
            }
        });

    private static void Set(Dictionary<string, string> entries, Quantities quantities) =>
        (entries["cpu"], entries["memory"]) = (quantities.Cpu, quantities.Memory);
}
