using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Scaling;

internal static class ApiScaling
{
    /// <summary>Seconds for which fewer replicas must have been enough before any goes.</summary>
    public const int Stabilisation = 300;

    /// <summary>More replicas at once when processor or memory are short, fewer only after five calm minutes.</summary>
    public static IResourceBuilder<ProjectResource> WithReplicasByLoad(this IResourceBuilder<ProjectResource> builder, Replicas replicas) =>
        builder.PublishAsKubernetesService(published =>
        {
            var deployment = (Deployment)published.Workload!;
            deployment.Spec.Replicas = null; // the autoscaler's: with a number here every upgrade would set the load aside

            // Not by Aspire's class for it, which writes empty members that a cluster refuses.
            published.AdditionalResources.Add(new Manifest("autoscaling/v2", "HorizontalPodAutoscaler", $"{builder.Resource.Name}-hpa", new()
            {
                ["scaleTargetRef"] = new Map { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = deployment.Metadata.Name },
                ["minReplicas"] = replicas.Min,
                ["maxReplicas"] = replicas.Max,
                ["metrics"] = new[] { Utilisation("cpu", 70), Utilisation("memory", 80) },
                ["behavior"] = new Map
                {
                    ["scaleUp"] = new Map
                    {
                        ["stabilizationWindowSeconds"] = 0,
                        ["policies"] = new[] { new Map { ["type"] = "Percent", ["value"] = 100, ["periodSeconds"] = 30 } },
                    },
                    ["scaleDown"] = new Map
                    {
                        ["stabilizationWindowSeconds"] = Stabilisation,
                        ["policies"] = new[] { new Map { ["type"] = "Percent", ["value"] = 25, ["periodSeconds"] = 60 } },
                    },
                },
            }));
        });

    private static Map Utilisation(string name, int percent) => new()
    {
        ["type"] = "Resource",
        ["resource"] = new Map { ["name"] = name, ["target"] = new Map { ["type"] = "Utilization", ["averageUtilization"] = percent } },
    };
}
