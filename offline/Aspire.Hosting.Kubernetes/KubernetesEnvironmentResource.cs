using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes;

/// <summary>A cluster to publish to, as a Helm chart. The properties are defaults for all resources.</summary>
public sealed class KubernetesEnvironmentResource(string name) : Resource(name)
{
    public bool DashboardEnabled { get; set; } = true;
    public string DefaultStorageType { get; set; } = "emptyDir";
    public string? DefaultStorageClassName { get; set; }
    public string DefaultStorageSize { get; set; } = "1Gi";
    public string DefaultStorageReadWritePolicy { get; set; } = "ReadWriteOnce";
    public string DefaultImagePullPolicy { get; set; } = "IfNotPresent";
    public string DefaultServiceType { get; set; } = "ClusterIP";

    internal string ChartName { get; set; } = "aspire";
    internal string ChartVersion { get; set; } = "0.1.0";
    internal string ChartDescription { get; set; } = "Aspire Helm Chart";
    internal ContainerResource? Dashboard { get; set; }
}
