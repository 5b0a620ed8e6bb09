using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Scaling;

internal static class Recommendations
{
    /// <summary>Lets the vertical autoscaler watch and recommend; it changes nothing, since the sizes are ours and another scaler's.</summary>
    public static IResourceBuilder<T> WithRecommendations<T>(this IResourceBuilder<T> builder, bool wanted)
        where T : IComputeResource => !wanted ? builder : builder.PublishAsKubernetesService(published =>
            published.AdditionalResources.Add(new Manifest("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", $"{builder.Resource.Name}-vpa", new()
            {
                ["targetRef"] = new Map { ["apiVersion"] = "apps/v1", ["kind"] = published.Workload!.Kind!, ["name"] = published.Workload.Metadata.Name },
                ["updatePolicy"] = new Map { ["updateMode"] = "Off" },
            })));
}
