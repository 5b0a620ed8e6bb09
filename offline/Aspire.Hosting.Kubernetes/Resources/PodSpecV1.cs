namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>What a pod is to be.</summary>
public sealed class PodSpecV1
{
    public string? PriorityClassName { get; set; }
    public string? RuntimeClassName { get; set; }
    public string? ServiceAccountName { get; set; }
    public bool? AutomountServiceAccountToken { get; set; }
    public Dictionary<string, string> NodeSelector { get; } = [];
    public List<ContainerV1> Containers { get; } = [];
    public bool? EnableServiceLinks { get; set; }
    public List<LocalObjectReferenceV1> ImagePullSecrets { get; } = [];
    public List<ContainerV1> InitContainers { get; } = [];
    public long? TerminationGracePeriodSeconds { get; set; }
    public List<TolerationV1> Tolerations { get; } = [];
    public List<TopologySpreadConstraintV1> TopologySpreadConstraints { get; } = [];
    public List<VolumeV1> Volumes { get; } = [];
    public PodSecurityContextV1? SecurityContext { get; set; }
    public string? RestartPolicy { get; set; }
}

/// <summary>The name of an object beside the pod.</summary>
public sealed class LocalObjectReferenceV1
{
    public string Name { get; set; } = null!;
}

/// <summary>A taint of nodes that a pod bears.</summary>
public sealed class TolerationV1
{
    public string Value { get; set; } = null!;
    public string Operator { get; set; } = null!;
    public long? TolerationSeconds { get; set; }
    public string Effect { get; set; } = null!;
    public string Key { get; set; } = null!;
}

/// <summary>How pods are spread over zones or nodes.</summary>
public sealed class TopologySpreadConstraintV1
{
    public string? WhenUnsatisfiable { get; set; }
    public LabelSelectorV1 LabelSelector { get; set; } = new();
    public List<string> MatchLabelKeys { get; } = [];
    public int? MinDomains { get; set; }
    public int? MaxSkew { get; set; }
    public string? NodeAffinityPolicy { get; set; }
    public string? NodeTaintsPolicy { get; set; }
    public string? TopologyKey { get; set; }
}
