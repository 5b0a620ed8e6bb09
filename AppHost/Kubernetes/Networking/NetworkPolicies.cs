using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>Nothing may connect to anything, but for the edges of the topology and the table of <see cref="PlatformEdges"/>.</summary>
internal sealed class NetworkPolicies(IReadOnlyList<(string Caller, string Called, int Port)> topology)
{
    // Linkerd's proxies speak to each other at this port, whatever port the pods listen on.
    public const int LinkerdPort = 4143;

    public IEnumerable<ChartFile> Files() =>
    [
        Of(Resources.Api),
        Of(Resources.Worker),
        .. Dashboard.Included ? (ChartFile[])[Of(Resources.Web)] : [],
        Of(Resources.Postgres),
        Of(Resources.Redis),
        ChartFile.Of("platform/default-deny.yaml", new V1NetworkPolicy
        {
            Metadata = Component.Named("default-deny", Component.Platform),
            Spec = new() { PodSelector = new(), PolicyTypes = ["Ingress", "Egress"] }, // every pod of the namespace, whoever made it
        }),
        ChartFile.Of("platform/backup-network.yaml", Policy(PlatformEdges.Backup, Component.Platform)),
        ChartFile.Of("platform/exporter-network.yaml", Policy(PlatformEdges.Exporter, Component.Platform), Switches.Monitoring),
        // While cert-manager proves that a name is ours, a pod of its own answers beside ours.
        ChartFile.Of("platform/certificate-solver-network.yaml", new V1NetworkPolicy
        {
            Metadata = Component.Named("certificate-solver-network", Component.Platform),
            Spec = new()
            {
                PodSelector = new() { MatchLabels = new Dictionary<string, string>(
                    StringComparer.Ordinal) { ["acme.cert-manager.io/http01-solver"] = "true" } },
                PolicyTypes = ["Ingress"],
                Ingress = [new() { FromProperty = [Peer.Of("ingress").On(null)], Ports = [Admitted(new(8089), when: null)] }],
            },
        }),
        // Istio's policy that plain connections are refused; Linkerd's is an annotation of each pod.
        new(
            "platform/mutual-tls.yaml",
            new CustomResource(
                "security.istio.io/v1", "PeerAuthentication", Component.Named("mutual-tls", Component.Platform),
                new() { ["mtls"] = new Map { ["mode"] = "STRICT" } }),
            Switches.Istio),
    ];

    private ChartFile Of(string component) => ChartFile.Of($"{component}/network.yaml", Policy(component, component), Exists(component));

    /// <summary>On what the pods of a component are the chart's.</summary>
    private static string? Exists(string component) => component switch
    {
        Resources.Postgres => Switches.OwnPostgres,
        Resources.Redis => Switches.RedisPod,
        _ => null,
    };

    private V1NetworkPolicy Policy(string component, string owner)
    {
        var platform = PlatformEdges.All.Where(edge => edge.Components.Contains(component)).ToList();
        List<V1NetworkPolicyIngressRule> ingress =
        [
            .. topology.Where(edge => edge.Called == component).Select(edge => new V1NetworkPolicyIngressRule
            {
                FromProperty = [Peer.Component(edge.Caller).On(Exists(edge.Caller))],
                Ports = WithMesh(edge.Port, Exists(edge.Caller)),
            }),
            .. platform.Where(edge => edge.Direction == Direction.In).Select(edge => new V1NetworkPolicyIngressRule
            {
                FromProperty = [.. edge.Peers.Select(peer => peer.On(edge.When))],
                Ports = [.. edge.Ports.Select(port => Admitted(port, edge.When))],
            }),
        ];
        List<V1NetworkPolicyEgressRule> egress =
        [
            .. topology.Where(edge => edge.Caller == component).Select(edge => new V1NetworkPolicyEgressRule
            {
                To = [Peer.Component(edge.Called).On(Exists(edge.Called))],
                Ports = WithMesh(edge.Port, Exists(edge.Called)),
            }),
            .. platform.Where(edge => edge.Direction == Direction.Out).Select(edge => new V1NetworkPolicyEgressRule
            {
                To = [.. edge.Peers.Select(peer => peer.On(edge.When))],
                Ports = [.. edge.Ports.Select(port => Admitted(port, edge.When))],
            }),
        ];
        return new()
        {
            Metadata = Component.Named($"{component}-network", owner),
            Spec = new()
            {
                PodSelector = Component.Selector(component),
                PolicyTypes = ["Ingress", "Egress"],
                Ingress = ingress.Count > 0 ? ingress : null,
                Egress = egress.Count > 0 ? egress : null,
            },
        };
    }

    private static V1NetworkPolicyPort[] WithMesh(int port, string? when) =>
        [Admitted(new(port), when), Admitted(new(LinkerdPort), when is null ? Switches.Linkerd : Both(when, Switches.Linkerd))];

    private static V1NetworkPolicyPort Admitted(Port port, string? when) =>
        new() { Protocol = When(when, port.Protocol), Port = port.Number };
}
