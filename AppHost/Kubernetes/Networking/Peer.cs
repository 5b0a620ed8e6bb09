using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>The other end of a hop, as network policies name it; the condition on which it is one comes later.</summary>
internal sealed record Peer(Func<string?, V1NetworkPolicyPeer> On)
{
    /// <summary>Any address but that of the cloud's metadata service, which gives credentials of the node to whoever asks.</summary>
    public static Peer Anywhere { get; } =
        new(when => new() { IpBlock = new() { Cidr = Template.When(when, "0.0.0.0/0"), Except = ["169.254.169.254/32"] } });

    /// <summary>Pods of this release.</summary>
    public static Peer Component(string component) =>
        new(when => new() { PodSelector = Kubernetes.Component.Selector(Template.When(when, component)) });

    /// <summary>Pods of another namespace; all of them, or those of an app.</summary>
    public static Peer Namespace(string name, string? app = null) => new(when => new()
    {
        NamespaceSelector = Labelled("kubernetes.io/metadata.name", Template.When(when, name)),
        PodSelector = app is null ? null : Labelled("k8s-app", app),
    });

    public static Peer Address(string range) => new(when => new() { IpBlock = new() { Cidr = Template.When(when, range) } });

    private static V1LabelSelector Labelled(string key, string value) =>
        new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { [key] = value } };
}
