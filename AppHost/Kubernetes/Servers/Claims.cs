using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

internal static class Claims
{
    /// <summary>
    /// Puts the server's data on a disk of the given size, which outlives the release: uninstalling the chart leaves the claim. Not by
    /// the publisher's own claims, which are all of one size.
    /// </summary>
    public static IResourceBuilder<T> WithClaim<T>(this IResourceBuilder<T> builder, int gibibytes, string? storageClass)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var name = $"{builder.Resource.Name}-data";
            var volume = published.Workload!.PodTemplate.Spec.Volumes.Single(volume => volume.Name == name);
            volume.EmptyDir = null!;
            volume.PersistentVolumeClaim = new() { ClaimName = name };
            var spec = new Map
            {
                ["accessModes"] = new List<string> { "ReadWriteOnce" },
                ["resources"] = new Map { ["requests"] = new Map { ["storage"] = $"{gibibytes}Gi" } },
            };
            if (storageClass is not null)
            {
                spec["storageClassName"] = storageClass;
            }

            var claim = new Manifest("v1", "PersistentVolumeClaim", name, spec);
            claim.Metadata.Annotations["helm.sh/resource-policy"] = "keep";
            published.AdditionalResources.Add(claim);
        });
}
