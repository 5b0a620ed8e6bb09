using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>The other end of a hop, as network policies name it; the condition on which it is one comes later.</summary>
internal sealed record Peer(Func<string?, V1NetworkPolicyPeer> On)
{
    /// <summary>Any address but that of the cloud's metadata service, which gives credentials of the node to whoever asks.</summary>
    public static Peer Anywhere { get; } =
        new(when => new() { IpBlock = new() { Cidr = Template.When(when, "0.0.0.0/0"), Except = ["169.254.169.254/32"] } });

    /// <summary>The pods that answer for the cluster's names, as the values <c>dns</c> name them.</summary>
    public static Peer Names { get; } = new(when => new()
    {
        NamespaceSelector = Labelled("kubernetes.io/metadata.name", Template.When(when, "{{ .Values.dns.namespace }}")),
        PodSelector = Labelled("{{ .Values.dns.label }}", "{{ .Values.dns.app }}"),
    });

    /// <summary>Pods of this release.</summary>
    public static Peer Component(string component) =>
        new(when => new() { PodSelector = Kubernetes.Component.Selector(Template.When(when, component)) });

    /// <summary>Pods of the namespace that one of the values <c>namespaces</c> names: clusters call theirs differently.</summary>
    public static Peer Of(string part) => Namespace($"{{{{ .Values.namespaces.{part} }}}}");

    /// <summary>All pods of another namespace.</summary>
    public static Peer Namespace(string name) => new(when => new()
    {
        NamespaceSelector = Labelled("kubernetes.io/metadata.name", Template.When(when, name)),
    });

    public static Peer Address(string range) => new(when => new() { IpBlock = new() { Cidr = Template.When(when, range) } });

    private static V1LabelSelector Labelled(string key, string value) =>
        new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { [key] = value } };
}
