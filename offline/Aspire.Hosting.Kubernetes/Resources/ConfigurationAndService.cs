namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>Configuration.</summary>
public sealed class ConfigMap() : BaseKubernetesResource("v1", "ConfigMap")
{
    public Dictionary<string, string> BinaryData { get; } = [];
    public Dictionary<string, string> Data { get; } = [];
    public bool? Immutable { get; set; }
}

/// <summary>What must not be shown.</summary>
public sealed class Secret() : BaseKubernetesResource("v1", "Secret")
{
    public Dictionary<string, string> Data { get; } = [];
    public Dictionary<string, string> StringData { get; } = [];
    public bool? Immutable { get; set; }
    public string Type { get; set; } = "Opaque";
}

/// <summary>One name for the pods of a workload.</summary>
public sealed class Service() : BaseKubernetesResource("v1", "Service")
{
    public ServiceSpecV1 Spec { get; set; } = new();
}

/// <summary>What a Service is to be.</summary>
public sealed class ServiceSpecV1
{
    [YamlDotNet.Serialization.YamlMember(Alias = "clusterIP")]
    public string? ClusterIp { get; set; }

    public string Type { get; set; } = "ClusterIP";
    public string? TrafficDistribution { get; set; }
    public Dictionary<string, string> Selector { get; set; } = [];
    public List<ServicePortV1> Ports { get; } = [];
    public string? SessionAffinity { get; set; }
}

/// <summary>A port of a Service.</summary>
public sealed class ServicePortV1
{
    public string Name { get; set; } = null!;
    public string AppProtocol { get; set; } = null!;
    public string Protocol { get; set; } = null!;
    public int? NodePort { get; set; }
    public Int32OrStringV1 Port { get; set; } = null!;
    public Int32OrStringV1 TargetPort { get; set; } = null!;
}

/// <summary>Who the pods are to the cluster.</summary>
public sealed class ServiceAccountV1() : BaseKubernetesResource("v1", "ServiceAccount");
