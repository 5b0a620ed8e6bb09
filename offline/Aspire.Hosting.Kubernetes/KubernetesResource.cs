using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes;

/// <summary>The objects of one resource, to be changed before they are written.</summary>
public class KubernetesResource(string name, IResource resource, KubernetesEnvironmentResource kubernetesEnvironmentResource)
    : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    public KubernetesEnvironmentResource Parent { get; } = kubernetesEnvironmentResource;
    public Workload? Workload { get; set; }
    public ConfigMap? ConfigMap { get; set; }
    public Secret? Secret { get; set; }
    public Service? Service { get; set; }
    public List<BaseKubernetesResource> AdditionalResources { get; } = [];

    internal IResource Target { get; } = resource;
    internal List<PersistentVolumeClaim> Claims { get; } = [];

    internal Dictionary<string, string> Labels => new()
    {
        ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
        ["app.kubernetes.io/component"] = Target.Name,
        ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
    };

    internal IEnumerable<BaseKubernetesResource> Objects()
    {
        foreach (var additional in AdditionalResources)
        {
            foreach (var (key, value) in Labels)
            {
                additional.Metadata.Labels.TryAdd(key, value);
            }
        }

        return new BaseKubernetesResource?[] { Workload, ConfigMap, Secret, Service }
            .OfType<BaseKubernetesResource>().Concat(Claims).Concat(AdditionalResources);
    }
}
