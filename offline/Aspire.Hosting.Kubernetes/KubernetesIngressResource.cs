using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes;

/// <summary>Which endpoint answers which URL from outside the cluster.</summary>
public class KubernetesIngressResource(string name, KubernetesEnvironmentResource environment)
    : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    public KubernetesEnvironmentResource Parent { get; } = environment;

    internal string? ClassName { get; set; }
    internal List<string> Hostnames { get; } = [];
    internal List<string> TlsSecrets { get; } = [];
    internal Dictionary<string, string> IngressAnnotations { get; } = [];
    internal List<(string? Host, string Path, IngressPathType Type, EndpointReference Endpoint)> Paths { get; } = [];
}

/// <summary>How a path is compared.</summary>
public enum IngressPathType
{
    Prefix,
    Exact,
    ImplementationSpecific,
}
