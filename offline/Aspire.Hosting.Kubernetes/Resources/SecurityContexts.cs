namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>What a container may do.</summary>
public sealed class SecurityContextV1
{
    public bool? Privileged { get; set; }
    public SeccompProfileV1? SeccompProfile { get; set; }
    public bool? ReadOnlyRootFilesystem { get; set; }
    public bool? AllowPrivilegeEscalation { get; set; }
    public long? RunAsGroup { get; set; }
    public long? RunAsUser { get; set; }
    public CapabilitiesV1? Capabilities { get; set; }
    public bool? RunAsNonRoot { get; set; }
}

/// <summary>What all containers of a pod may do.</summary>
public sealed class PodSecurityContextV1
{
    public SeccompProfileV1? SeccompProfile { get; set; }
    public long? FsGroup { get; set; }
    public long? RunAsGroup { get; set; }
    public long? RunAsUser { get; set; }
    public List<long> SupplementalGroups { get; } = [];
    public bool? RunAsNonRoot { get; set; }
    public string FsGroupChangePolicy { get; set; } = null!;
}

/// <summary>What is added to, and taken from, what a container may ask of the kernel.</summary>
public sealed class CapabilitiesV1
{
    public List<string> Add { get; } = [];
    public List<string> Drop { get; } = [];
}

/// <summary>Which system calls there are.</summary>
public sealed class SeccompProfileV1
{
    public string LocalhostProfile { get; set; } = null!;
    public string Type { get; set; } = null!;
}
