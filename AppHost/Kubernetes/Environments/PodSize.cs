using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes.Environments;

/// <summary>Processor and memory of a container.</summary>
/// <param name="Millicores">Thousandths of a core.</param>
/// <param name="Mebibytes">Memory, in MiB.</param>
internal sealed record Quantities(int Millicores, int Mebibytes)
{
    public string Cpu => $"{Millicores}m";

    public string Memory => $"{Mebibytes}Mi";
}

/// <summary>
/// What each pod of a resource is promised and may take at most. Memory is promised in full: a pod that is given more than was
/// promised is the first to be killed when a node runs out.
/// </summary>
internal sealed record PodSize(int Millicores, int LimitMillicores, int Mebibytes)
{
    public Quantities Requests => new(Millicores, Mebibytes);

    public Quantities Limits => new(LimitMillicores, Mebibytes);
}

internal static class PodSizes
{
    public static IResourceBuilder<T> WithSize<T>(this IResourceBuilder<T> builder, PodSize size)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            foreach (var container in published.Workload!.PodTemplate.Spec.Containers)
            {
                container.Resources = new ResourceRequirementsV1();
                Set(container.Resources.Requests, size.Requests);
                Set(container.Resources.Limits, size.Limits);
            }
        });

    private static void Set(Dictionary<string, string> entries, Quantities quantities) =>
        (entries["cpu"], entries["memory"]) = (quantities.Cpu, quantities.Memory);
}
