using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>What runs pods.</summary>
public abstract class Workload(string apiVersion, string kind) : BaseKubernetesResource(apiVersion, kind)
{
    [YamlIgnore]
    public abstract PodTemplateSpecV1 PodTemplate { get; }
}

/// <summary>Pods that are alike.</summary>
public sealed class Deployment() : Workload("apps/v1", "Deployment")
{
    public DeploymentSpecV1 Spec { get; set; } = new();

    [YamlIgnore]
    public override PodTemplateSpecV1 PodTemplate => Spec.Template;
}

/// <summary>What a Deployment is to be.</summary>
public sealed class DeploymentSpecV1
{
    public bool? Paused { get; set; }
    public PodTemplateSpecV1 Template { get; set; } = new();
    public LabelSelectorV1 Selector { get; set; } = new();
    public int? MinReadySeconds { get; set; }
    public int? ProgressDeadlineSeconds { get; set; }
    public int? Replicas { get; set; } = 1;
    public int? RevisionHistoryLimit { get; set; } = 3;
    public DeploymentStrategyV1 Strategy { get; set; } = new();
}

/// <summary>How a Deployment replaces its pods.</summary>
public sealed class DeploymentStrategyV1
{
    public RollingUpdateDeploymentV1 RollingUpdate { get; set; } = new();
    public string Type { get; set; } = "RollingUpdate";
}

/// <summary>How many pods at a time.</summary>
public sealed class RollingUpdateDeploymentV1
{
    public int MaxSurge { get; set; }
    public int MaxUnavailable { get; set; }
}

/// <summary>Pods with names and data of their own.</summary>
public sealed class StatefulSet() : Workload("apps/v1", "StatefulSet")
{
    public StatefulSetSpecV1 Spec { get; set; } = new();

    [YamlIgnore]
    public override PodTemplateSpecV1 PodTemplate => Spec.Template;
}

/// <summary>What a StatefulSet is to be.</summary>
public sealed class StatefulSetSpecV1
{
    public string ServiceName { get; set; } = null!;
    public PodTemplateSpecV1 Template { get; set; } = new();
    public LabelSelectorV1 Selector { get; set; } = new();
    public int? MinReadySeconds { get; set; }
    public int? Replicas { get; set; }
    public List<PersistentVolumeClaim> VolumeClaimTemplates { get; } = [];
    public int? RevisionHistoryLimit { get; set; }
    public string? PodManagementPolicy { get; set; }
}

/// <summary>The pods of a workload.</summary>
public sealed class PodTemplateSpecV1
{
    public ObjectMetaV1 Metadata { get; set; } = new();
    public PodSpecV1 Spec { get; set; } = new();
}
