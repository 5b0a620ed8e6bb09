using System.Globalization;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>Who begins the connection.</summary>
internal enum Direction
{
    In,
    Out,
}

internal sealed record Port(int Number, string Protocol = "TCP");

/// <summary>A hop between pods of the product and somebody outside the topology.</summary>
/// <param name="Why">What it is for.</param>
/// <param name="Components">The pods of the product.</param>
/// <param name="Peers">The others, as peers of a network policy; any of them.</param>
internal sealed record PlatformEdge(string Why, Direction Direction, string[] Components, Map[] Peers, params Port[] Ports);

/// <summary>
/// The one table of hops that the topology does not know of. Network policies admit these and the references of AppHost.cs, and nothing else.
/// </summary>
internal static class PlatformEdges
{
    /// <summary>Pods of backup jobs, which are deployed beside the chart.</summary>
    public const string Backup = "backup";

    private const string Api = Resources.Api, Worker = Resources.Worker, Postgres = Resources.Postgres;

    // What people and programs call.
    private static readonly string[] s_reached =
    [
        Api,
        //#if (web)
        Resources.Web,
        //#endif
    ];

    private static readonly string[] s_services = [.. s_reached, Worker];

    private static readonly Port s_http = new(8080);
    private static readonly Port s_https = new(443);

    public static IReadOnlyList<PlatformEdge> Of(DeploySettings settings) =>
    [
        new("names", Direction.Out, [.. s_services, Backup], [Peer.Namespace("kube-system", new() { ["k8s-app"] = "kube-dns" }), Peer.Address("169.254.20.10/32")], new(53, "UDP"), new(53)),
        new("ingress", Direction.In, s_reached, [Peer.Namespace("ingress-nginx")], s_http),
        new("metrics", Direction.In, s_services, [Peer.Namespace("monitoring")], s_http),
        new("telemetry", Direction.Out, s_services, [Peer.Namespace("observability")], Of(settings.OtlpEndpoint)),
        new("autoscaler", Direction.In, [Api], [Peer.Namespace("keda")], s_http),
        new("identity provider", Direction.Out, s_reached, [Peer.Anywhere()], s_https),
        new("object storage", Direction.Out, [Api, Worker, Backup], [Peer.Anywhere()], s_https),
        .. ToTheDatabase(settings.Database),
        .. settings.Redis == ServerKind.Managed
            ? [new("managed Redis", Direction.Out, [Api, Worker], [Peer.Anywhere()], new Port(6379), new(6380))]
            : Array.Empty<PlatformEdge>(),
        .. Mesh(settings.Mesh),
    ];

    private static PlatformEdge[] ToTheDatabase(ServerKind kind)
    {
        var postgres = new Port(5432);
        PlatformEdge[] backup =
        [
            new("backup", Direction.In, [Postgres], [Peer.Component(Backup)], postgres),
            new("backup", Direction.Out, [Backup], [Peer.Component(Postgres)], postgres),
        ];
        return kind switch
        {
            ServerKind.Managed => [new("managed Postgres", Direction.Out, [Api, Worker, Backup], [Peer.Anywhere()], postgres)],
            ServerKind.CloudNativePG =>
            [
                .. backup,
                new("replication", Direction.In, [Postgres], [Peer.Component(Postgres)], postgres, new(8000)),
                new("replication", Direction.Out, [Postgres], [Peer.Component(Postgres)], postgres, new(8000)),
                new("operator", Direction.In, [Postgres], [Peer.Namespace("cnpg-system")], postgres, new(8000)),
                new("metrics of the operator's instances", Direction.In, [Postgres], [Peer.Namespace("monitoring")], new Port(9187)),
                new("cluster's API and archive", Direction.Out, [Postgres], [Peer.Anywhere()], s_https, new(6443)),
                new("names of the operator's instances", Direction.Out, [Postgres], [Peer.Namespace("kube-system", new() { ["k8s-app"] = "kube-dns" }), Peer.Address("169.254.20.10/32")], new(53, "UDP"), new(53)),
            ],
            _ => backup,
        };
    }

    private static PlatformEdge[] Mesh(MeshKind mesh) => mesh switch
    {
        MeshKind.Linkerd => [new("mesh", Direction.Out, [.. s_services, Postgres, Resources.Redis], [Peer.Namespace("linkerd")], s_http, new(8086), new(8090))],
        MeshKind.Istio => [new("mesh", Direction.Out, [.. s_services, Postgres, Resources.Redis], [Peer.Namespace("istio-system")], new Port(15012))],
        _ => [],
    };

    private static Port Of(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Port > 0
            ? new(uri.Port)
            : throw new DistributedApplicationException(string.Create(CultureInfo.InvariantCulture, $"Deploy:OtlpEndpoint is '{address}': it must be an address with a port, such as http://collector:4317."));
}
