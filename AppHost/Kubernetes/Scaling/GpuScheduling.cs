using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Environments;

namespace InferenceTemplate.AppHost.Kubernetes.Scaling;

internal static class GpuScheduling
{
    // What the large clouds taint their spot nodes with.
    private static readonly (string Key, string Value)[] s_spot =
        [("kubernetes.azure.com/scalesetpriority", "spot"), ("cloud.google.com/gke-spot", "true"), ("eks.amazonaws.com/capacityType", "SPOT")];

    /// <summary>
    /// One GPU for each pod, on nodes that have one. A worker with a GPU refuses to compute on the processor: that would cost the same
    /// and answer late.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithGpu(this IResourceBuilder<ProjectResource> builder, GpuNodes nodes) => builder
        .WithEnvironment("Worker__Device", nodes == GpuNodes.None ? "cpu" : "cuda")
        .PublishAsKubernetesService(published =>
        {
            if (nodes == GpuNodes.None)
            {
                return;
            }

            var pod = published.Workload!.PodTemplate.Spec;
            pod.Containers[0].Resources!.Limits["nvidia.com/gpu"] = "1";
            pod.NodeSelector["nvidia.com/gpu.present"] = "true";
            pod.Tolerations.Add(new TolerationV1 { Key = "nvidia.com/gpu", Operator = "Exists", Effect = "NoSchedule" });
            if (nodes == GpuNodes.Spot)
            {
                pod.Tolerations.AddRange(s_spot.Select(taint =>
                    new TolerationV1 { Key = taint.Key, Operator = "Equal", Value = taint.Value, Effect = "NoSchedule" }));
            }
        });
}
