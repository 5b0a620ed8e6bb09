namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>Sets the number of replicas by load.</summary>
public sealed class HorizontalPodAutoscalerV2() : BaseKubernetesResource("autoscaling/v2", "HorizontalPodAutoscaler")
{
    public HorizontalPodAutoscalerSpecV2 Spec { get; set; } = new();
}

/// <summary>What is scaled, between which numbers, and why.</summary>
public sealed class HorizontalPodAutoscalerSpecV2
{
    public CrossVersionObjectReferenceV2 ScaleTargetRef { get; set; } = new();
    public HorizontalPodAutoscalerBehaviorV2 Behavior { get; set; } = new();
    public int MaxReplicas { get; set; } = 1;
    public List<MetricSpecV2> Metrics { get; } = [];
    public int? MinReplicas { get; set; }
}

/// <summary>What is scaled. Its metadata is empty in the chart, which a cluster refuses: set it to null.</summary>
public sealed class CrossVersionObjectReferenceV2() : BaseKubernetesResource("v2", "ObjectReference")
{
    public string Name { get; set; } = null!;
}

/// <summary>How fast.</summary>
public sealed class HorizontalPodAutoscalerBehaviorV2
{
    public HpaScalingRulesV2 ScaleDown { get; set; } = new();
    public HpaScalingRulesV2 ScaleUp { get; set; } = new();
}

/// <summary>How fast in one direction.</summary>
public sealed class HpaScalingRulesV2
{
    public List<HpaScalingPolicyV2> Policies { get; } = [];
    public int? StabilizationWindowSeconds { get; set; }
    public string SelectPolicy { get; set; } = null!;
}

/// <summary>At most so many pods, or so much of them, in a period.</summary>
public sealed class HpaScalingPolicyV2
{
    public string Type { get; set; } = null!;
    public int Value { get; set; }
    public int PeriodSeconds { get; set; }
}

/// <summary>What load is. A cluster takes one kind only, so set the others to null.</summary>
public sealed class MetricSpecV2
{
    public ContainerResourceMetricSourceV2 ContainerResource { get; set; } = new();
    public ResourceMetricSourceV2 Resource { get; set; } = new();
    public string Type { get; set; } = null!;
    public ExternalMetricSourceV2 External { get; set; } = new();
    public PodsMetricSourceV2 Pods { get; set; } = new();
    public ObjectMetricSourceV2 Object { get; set; } = new();
}

/// <summary>Which value is aimed at.</summary>
public sealed class MetricTargetV2
{
    public string AverageValue { get; set; } = null!;
    public string Type { get; set; } = null!;
    public string Value { get; set; } = null!;
    public int? AverageUtilization { get; set; }
}

/// <summary>A metric by name.</summary>
public sealed class MetricIdentifierV2
{
    public string Name { get; set; } = null!;
    public LabelSelectorV1 Selector { get; set; } = new();
}

/// <summary>Processor or memory of the pods.</summary>
public sealed class ResourceMetricSourceV2
{
    public string Name { get; set; } = null!;
    public MetricTargetV2 Target { get; set; } = new();
}

/// <summary>Processor or memory of one container of the pods.</summary>
public sealed class ContainerResourceMetricSourceV2
{
    public string Name { get; set; } = null!;
    public string Container { get; set; } = null!;
    public MetricTargetV2 Target { get; set; } = new();
}

/// <summary>A metric from outside the cluster.</summary>
public sealed class ExternalMetricSourceV2
{
    public MetricIdentifierV2 Metric { get; set; } = new();
    public MetricTargetV2 Target { get; set; } = new();
}

/// <summary>A metric that each pod has.</summary>
public sealed class PodsMetricSourceV2
{
    public MetricIdentifierV2 Metric { get; set; } = new();
    public MetricTargetV2 Target { get; set; } = new();
}

/// <summary>A metric of another object.</summary>
public sealed class ObjectMetricSourceV2
{
    public MetricIdentifierV2 Metric { get; set; } = new();
    public CrossVersionObjectReferenceV2 DescribedObject { get; set; } = new();
    public MetricTargetV2 Target { get; set; } = new();
}
