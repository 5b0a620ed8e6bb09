using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>The other end of a hop, as network policies name it.</summary>
internal static class Peer
{
    /// <summary>Pods of this release.</summary>
    public static Map Component(string component) => new() { ["podSelector"] = Objects.Component.Selector(component) };

    /// <summary>Pods of another namespace; all of them, or those with the given labels.</summary>
    public static Map Namespace(string name, Dictionary<string, string>? pods = null)
    {
        var peer = new Map { ["namespaceSelector"] = MatchLabels(new() { ["kubernetes.io/metadata.name"] = name }) };
        if (pods is not null)
        {
            peer["podSelector"] = MatchLabels(pods);
        }

        return peer;
    }

    public static Map Address(string range) => new() { ["ipBlock"] = new Map { ["cidr"] = range } };

    /// <summary>Any address but that of the cloud's metadata service, which gives credentials of the node to whoever asks.</summary>
    public static Map Anywhere() => new() { ["ipBlock"] = new Map { ["cidr"] = "0.0.0.0/0", ["except"] = new[] { "169.254.169.254/32" } } };

    private static Map MatchLabels(Dictionary<string, string> labels) => new() { ["matchLabels"] = labels };
}
