using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes;

internal static class Availability
{
    /// <summary>Spreads the replicas over zones and nodes, and lets updates and drained nodes take one away at a time.</summary>
    public static IResourceBuilder<ProjectResource> WithAvailability(this IResourceBuilder<ProjectResource> builder) => builder
        .WithDisruptionBudget()
        .PublishAsKubernetesService(published =>
        {
            var deployment = (Deployment)published.Workload!;
            deployment.Spec.Strategy.RollingUpdate = new RollingUpdateDeploymentV1 { MaxSurge = 1, MaxUnavailable = 0 };
            var pod = deployment.PodTemplate;

            // What is in /tmp is nobody's loss; otherwise the autoscaler would keep every node on which such a pod runs.
            pod.Metadata.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "true";
            foreach (var topology in (string[])["topology.kubernetes.io/zone", "kubernetes.io/hostname"])
            {
                var spread = new TopologySpreadConstraintV1
                {
                    MaxSkew = 1,
                    TopologyKey = topology,

                    // A zone that is down, or has no GPU free, must not keep pods from running in the others.
                    WhenUnsatisfiable = "ScheduleAnyway",
                    LabelSelector = new LabelSelectorV1(Component.Labels(builder.Resource.Name)),
                };
                spread.MatchLabelKeys.Add("pod-template-hash");
                pod.Spec.TopologySpreadConstraints.Add(spread);
            }
        });

    public static IResourceBuilder<T> WithDisruptionBudget<T>(this IResourceBuilder<T> builder)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
            published.AdditionalResources.Add(new Manifest("policy/v1", "PodDisruptionBudget", $"{builder.Resource.Name}-pdb", new()
            {
                ["maxUnavailable"] = 1,
                ["selector"] = Component.Selector(builder.Resource.Name),
            })));
}
