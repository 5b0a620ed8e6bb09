using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes;

internal static class ConfigChecksums
{
    /// <summary>
    /// Rolls the pods when their configuration or secrets change, which they read at their start only. Go's raw strings, since the
    /// publisher escapes double quotes. To be called last: it looks at what is left to be written.
    /// </summary>
    public static IResourceBuilder<T> WithConfigChecksums<T>(this IResourceBuilder<T> builder)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var annotations = published.Workload!.PodTemplate.Metadata.Annotations;
            foreach (var (name, written) in new (string, BaseKubernetesResource?)[] { ("config", published.ConfigMap), ("secrets", published.Secret) })
            {
                if (written is not null)
                {
                    annotations[$"checksum/{name}"] = $"{{{{ include (print $.Template.BasePath `/{builder.Resource.Name}/{name}.yaml`) . | sha256sum }}}}";
                }
            }
        });
}
