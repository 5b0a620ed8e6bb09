using Aspire.Hosting.Kubernetes;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>Nothing may connect to anything, but for the edges of the topology and the table of <see cref="PlatformEdges"/>.</summary>
internal static class NetworkPolicies
{
    // Linkerd's proxies speak to each other at this port, whatever port the pods listen on.
    private const int LinkerdPort = 4143;

    private static readonly string[] s_both = ["Ingress", "Egress"];

    public static IResourceBuilder<T> WithNetworkPolicy<T>(this IResourceBuilder<T> builder, DeploySettings settings)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var application = builder.ApplicationBuilder;
            var component = builder.Resource.Name;
            published.AdditionalResources.Add(Policy(
                component,
                settings,
                [.. TopologyEdges.To(application, builder.Resource).Select(edge => Rule("from", edge, settings))],
                [.. TopologyEdges.From(application, builder.Resource).Select(edge => Rule("to", edge, settings))]));
        });

    /// <summary>Denies what no policy admits, and admits what pods beside the chart need.</summary>
    public static void AddNamespacePolicies(KubernetesResource published, DeploySettings settings)
    {
        published.AdditionalResources.Add(new Manifest("networking.k8s.io/v1", "NetworkPolicy", "default-deny", new()
        {
            ["podSelector"] = new Map(), // every pod of the namespace, whoever made it
            ["policyTypes"] = s_both,
        }).OfPlatform());
        published.AdditionalResources.Add(Policy(PlatformEdges.Backup, settings, [], []).OfPlatform());

        // While cert-manager proves that a name is ours, a pod of its own answers beside ours.
        published.AdditionalResources.Add(new Manifest("networking.k8s.io/v1", "NetworkPolicy", "certificate-solver-network", new()
        {
            ["podSelector"] = new Map { ["matchLabels"] = new Map { ["acme.cert-manager.io/http01-solver"] = "true" } },
            ["policyTypes"] = new List<string> { "Ingress" },
            ["ingress"] = new[] { Rule("from", [Peer.Namespace("ingress-nginx")], [new Port(8089)]) },
        }).OfPlatform());
    }

    private static Manifest Policy(string component, DeploySettings settings, List<Map> ingress, List<Map> egress)
    {
        foreach (var edge in PlatformEdges.Of(settings).Where(edge => edge.Components.Contains(component)))
        {
            var (rules, side) = edge.Direction == Direction.In ? (ingress, "from") : (egress, "to");
            rules.Add(Rule(side, edge.Peers, edge.Ports));
        }

        var spec = new Map
        {
            ["podSelector"] = Component.Selector(component),
            ["policyTypes"] = s_both,
        };
        if (ingress.Count > 0)
        {
            spec["ingress"] = ingress;
        }

        if (egress.Count > 0)
        {
            spec["egress"] = egress;
        }

        return new Manifest("networking.k8s.io/v1", "NetworkPolicy", $"{component}-network", spec);
    }

    private static Map Rule(string side, (string Component, int Port) edge, DeploySettings settings) =>
        Rule(side, [Peer.Component(edge.Component)], settings.Mesh == MeshKind.Linkerd ? [new(edge.Port), new(LinkerdPort)] : [new(edge.Port)]);

    private static Map Rule(string side, Map[] peers, Port[] ports) => new()
    {
        [side] = peers,
        ["ports"] = ports.Select(port => new Map { ["protocol"] = port.Protocol, ["port"] = port.Number }).ToArray(),
    };
}
