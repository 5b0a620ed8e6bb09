using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes.Objects;

/// <summary>An object of a kind for which Aspire 13.5 has no class, or one that writes what a cluster refuses.</summary>
internal sealed class Manifest : BaseKubernetesResource
{
    public Manifest(string apiVersion, string kind, string name, Map spec)
        : base(apiVersion, kind)
    {
        Metadata.Name = name;
        Spec = spec;
    }

    public Map Spec { get; }
}
