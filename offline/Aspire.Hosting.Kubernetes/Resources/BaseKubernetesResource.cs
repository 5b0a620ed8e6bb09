using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

// In this folder the order of members is the order in which the chart has them, and initial values are what an object has in the
// chart when nobody set it: both as in the real package.

/// <summary>What has an API version and a kind.</summary>
public abstract class BaseKubernetesObject(string? apiVersion = null, string? kind = null)
{
    [YamlMember(Order = -2)]
    public string? Kind { get; set; } = kind;

    [YamlMember(Order = -3)]
    public string? ApiVersion { get; set; } = apiVersion;
}

/// <summary>What is a file of its own in the chart. Derive from it for kinds that have no class here.</summary>
public abstract class BaseKubernetesResource(string apiVersion, string kind) : BaseKubernetesObject(apiVersion, kind)
{
    [YamlMember(Order = -1)]
    public ObjectMetaV1 Metadata { get; set; } = new();
}

/// <summary>Name, labels and annotations.</summary>
public sealed class ObjectMetaV1
{
    public string Name { get; set; } = null!;
    public string Namespace { get; set; } = null!;
    public Dictionary<string, string> Annotations { get; } = [];
    public Dictionary<string, string> Labels { get; set; } = [];
}

/// <summary>Selects pods.</summary>
public sealed class LabelSelectorV1
{
    public LabelSelectorV1()
    {
    }

    public LabelSelectorV1(Dictionary<string, string> matchLabels) => MatchLabels = matchLabels;

    public List<LabelSelectorRequirementV1> MatchExpressions { get; set; } = [];
    public Dictionary<string, string> MatchLabels { get; set; } = [];
}

/// <summary>A condition on one label.</summary>
public sealed class LabelSelectorRequirementV1
{
    public string Operator { get; set; } = null!;
    public List<string> Values { get; } = [];
    public string Key { get; set; } = null!;
}
