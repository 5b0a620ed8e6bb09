using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>A container of a pod.</summary>
public sealed class ContainerV1
{
    public List<string> Command { get; } = [];
    public string Image { get; set; } = null!;
    public LifecycleV1? Lifecycle { get; set; }
    public ProbeV1? LivenessProbe { get; set; }
    public string Name { get; set; } = null!;
    public ProbeV1? ReadinessProbe { get; set; }
    public ProbeV1? StartupProbe { get; set; }
    public List<EnvFromSourceV1> EnvFrom { get; } = [];
    public string? WorkingDir { get; set; }
    public List<string> Args { get; } = [];
    public List<ContainerPortV1> Ports { get; } = [];
    public ResourceRequirementsV1? Resources { get; set; }
    public List<VolumeMountV1> VolumeMounts { get; } = [];
    public SecurityContextV1? SecurityContext { get; set; }
    public List<EnvVarV1> Env { get; } = [];
    public string ImagePullPolicy { get; set; } = "IfNotPresent";
    public string? RestartPolicy { get; set; }
}

/// <summary>A port that a container listens on.</summary>
public sealed class ContainerPortV1
{
    [YamlMember(Alias = "hostIP")]
    public string HostIp { get; set; } = null!;

    public string Name { get; set; } = null!;
    public string Protocol { get; set; } = null!;
    public Int32OrStringV1? ContainerPort { get; set; }
    public Int32OrStringV1? HostPort { get; set; }
}

/// <summary>What a container gets at least, and at most.</summary>
public sealed class ResourceRequirementsV1
{
    public Dictionary<string, string> Limits { get; } = [];
    public Dictionary<string, string> Requests { get; } = [];
}

/// <summary>What happens when a container has started, and before it stops.</summary>
public sealed class LifecycleV1
{
    public LifecycleHandlerV1 PreStop { get; set; } = null!;
    public LifecycleHandlerV1 PostStart { get; set; } = null!;
}

/// <summary>One of these; a cluster refuses more, so set the others to null.</summary>
public sealed class LifecycleHandlerV1
{
    public ExecActionV1 Exec { get; set; } = new();
    public SleepActionV1 Sleep { get; set; } = new();
    public HttpGetActionV1 HttpGet { get; set; } = new();
    public TcpSocketActionV1 TcpSocket { get; set; } = new();
}

/// <summary>Waits.</summary>
public sealed class SleepActionV1
{
    public long Seconds { get; set; }
}
