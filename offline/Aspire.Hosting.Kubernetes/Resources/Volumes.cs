namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>Files of a pod.</summary>
public sealed class VolumeV1
{
    public string Name { get; set; } = null!;
    public HostPathVolumeSourceV1? HostPath { get; set; }
    public PersistentVolumeClaimVolumeSourceV1? PersistentVolumeClaim { get; set; }
    public ConfigMapVolumeSourceV1? ConfigMap { get; set; }
    public EmptyDirVolumeSourceV1? EmptyDir { get; set; }
    public SecretVolumeSourceV1? Secret { get; set; }
}

/// <summary>Where a container has a volume.</summary>
public sealed class VolumeMountV1
{
    public string Name { get; set; } = null!;
    public string MountPath { get; set; } = null!;
    public string SubPath { get; set; } = null!;
    public bool? ReadOnly { get; set; }
}

/// <summary>A folder of the node.</summary>
public sealed class HostPathVolumeSourceV1
{
    public string Type { get; set; } = null!;
    public string Path { get; set; } = null!;
}

/// <summary>A claim.</summary>
public sealed class PersistentVolumeClaimVolumeSourceV1
{
    public string ClaimName { get; set; } = null!;
    public bool? ReadOnly { get; set; }
}

/// <summary>The entries of a ConfigMap.</summary>
public sealed class ConfigMapVolumeSourceV1
{
    public int? DefaultMode { get; set; }
    public string Name { get; set; } = null!;
    public bool? Optional { get; set; }
}

/// <summary>A folder that ends with the pod.</summary>
public sealed class EmptyDirVolumeSourceV1
{
    public string? Medium { get; set; }
    public string? SizeLimit { get; set; }
}

/// <summary>The entries of a Secret.</summary>
public sealed class SecretVolumeSourceV1
{
    public int? DefaultMode { get; set; }
    public string SecretName { get; set; } = null!;
    public bool? Optional { get; set; }
}

/// <summary>A claim to storage.</summary>
public sealed class PersistentVolumeClaim() : BaseKubernetesResource("v1", "PersistentVolumeClaim")
{
    public PersistentVolumeClaimSpecV1 Spec { get; set; } = new();
}

/// <summary>What a claim asks for.</summary>
public sealed class PersistentVolumeClaimSpecV1
{
    public string StorageClassName { get; set; } = null!;
    public string VolumeName { get; set; } = null!;
    public List<string> AccessModes { get; } = [];
    public VolumeResourceRequirementsV1 Resources { get; set; } = new();
}

/// <summary>How large.</summary>
public sealed class VolumeResourceRequirementsV1
{
    public Dictionary<string, string> Limits { get; } = [];
    public Dictionary<string, string> Requests { get; } = [];
}
