namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>Which Service answers which URL from outside.</summary>
public sealed class Ingress() : BaseKubernetesResource("networking.k8s.io/v1", "Ingress")
{
    public IngressSpecV1 Spec { get; set; } = new();
}

/// <summary>What an Ingress is to be.</summary>
public sealed class IngressSpecV1
{
    public IngressBackendV1 DefaultBackend { get; set; } = null!;
    public string IngressClassName { get; set; } = null!;
    public List<IngressRuleV1> Rules { get; } = [];
    public List<IngressTLSV1> Tls { get; } = [];
}

/// <summary>The paths of a host.</summary>
public sealed class IngressRuleV1
{
    public HttpIngressRuleValueV1 Http { get; set; } = new();
    public string Host { get; set; } = null!;
}

/// <summary>The paths.</summary>
public sealed class HttpIngressRuleValueV1
{
    public List<HttpIngressPathV1> Paths { get; } = [];
}

/// <summary>A path.</summary>
public sealed class HttpIngressPathV1
{
    public IngressBackendV1 Backend { get; set; } = new();
    public string PathType { get; set; } = null!;
    public string Path { get; set; } = null!;
}

/// <summary>What answers.</summary>
public sealed class IngressBackendV1
{
    public IngressServiceBackendV1 Service { get; set; } = null!;
}

/// <summary>A Service.</summary>
public sealed class IngressServiceBackendV1
{
    public string Name { get; set; } = null!;
    public ServiceBackendPortV1 Port { get; set; } = new();
}

/// <summary>A port by name or number.</summary>
public sealed class ServiceBackendPortV1
{
    public string Name { get; set; } = null!;
    public int? Number { get; set; }
}

/// <summary>The Secret that holds the certificate of hosts.</summary>
public sealed class IngressTLSV1
{
    public string SecretName { get; set; } = null!;
    public List<string> Hosts { get; } = [];
}
