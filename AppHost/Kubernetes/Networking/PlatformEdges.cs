using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

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
/// <param name="Peers">The others; any of them.</param>
internal sealed record PlatformEdge(string Why, Direction Direction, string[] Components, Peer[] Peers, params Port[] Ports)
{
    public string? When { get; init; }
}

/// <summary>
/// The one table of hops that the topology does not know of. Network policies admit these and the references of AppHost.cs, and
/// nothing else.
/// </summary>
internal static class PlatformEdges
{
    /// <summary>Pods of backup jobs: the chart's, or others beside it.</summary>
    public const string Backup = "backup";

    /// <summary>Pods of the exporters of Postgres' and Redis' metrics, which are deployed beside the chart.</summary>
    public const string Exporter = "exporter";

    private const string Api = Resources.Api, Worker = Resources.Worker, Postgres = Resources.Postgres;

    // What people and programs call.
    private static readonly string[] s_reached = Dashboard.Included ? [Api, Resources.Web] : [Api];

    private static readonly string[] s_services = [.. s_reached, Worker];
    private static readonly string[] s_meshed = [.. s_services, Postgres, Resources.Redis, Backup];
    private static readonly Peer[] s_names = [Peer.Names, Peer.Address("{{ .Values.dns.address }}")];
    private static readonly Port[] s_dns = [new(Number(".Values.dns.port"), "UDP"), new(Number(".Values.dns.port"))];
    private static readonly Port s_http = new(8080);
    private static readonly Port s_grpc = new(Services.GrpcPort);
    private static readonly Port s_https = new(443);
    private static readonly Port s_direct = new(Services.DirectPort);
    private static readonly Port s_linkerd = new(NetworkPolicies.LinkerdPort);
    private static readonly Port s_postgres = new(5432);
    private static readonly Port s_redis = new(6379);
    private static readonly Port s_status = new(8000);
    private static readonly Port s_telemetry = new(Number("regexFind \"[0-9]+$\" .Values.otlpEndpoint"));

    public static IReadOnlyList<PlatformEdge> All { get; } =
    [
        new("names", Direction.Out, [.. s_services, Backup, Exporter], s_names, s_dns),
        new("ingress", Direction.In, s_reached, [Peer.Of("ingress")], s_http),
        new("ingress of gRPC", Direction.In, [Api], [Peer.Of("ingress")], s_grpc),
        new("metrics", Direction.In, s_services, [Peer.Of("monitoring")], s_http),
        new("telemetry", Direction.Out, s_services, [Peer.Of("telemetry")], s_telemetry) { When = Switches.Telemetry },
        new("autoscaler", Direction.In, [Api], [Peer.Of("autoscaler")], s_http),
        new("identity provider and object storage", Direction.Out, [.. s_services, Backup], [Peer.Anywhere], s_https),
        new("object storage at a port of its own", Direction.Out, [Api, Worker], [Peer.Anywhere],
            new Port(Number(".Values.managedPorts.storage")))
        {
            When = "ne (int .Values.managedPorts.storage) 443",
        },
        new("direct calls", Direction.In, [Worker], [Peer.Component(Api)], s_direct),
        new("direct calls", Direction.Out, [Api], [Peer.Component(Worker)], s_direct),
        new("direct calls in the mesh", Direction.In, [Worker], [Peer.Component(Api)], s_linkerd) { When = Switches.Linkerd },
        new("direct calls in the mesh", Direction.Out, [Api], [Peer.Component(Worker)], s_linkerd) { When = Switches.Linkerd },
        new("backup", Direction.In, [Postgres], [Peer.Component(Backup)], s_postgres),
        new("backup", Direction.Out, [Backup], [Peer.Component(Postgres)], s_postgres) { When = Switches.OwnPostgres },
        new("exporters", Direction.In, [Postgres], [Peer.Component(Exporter)], s_postgres) { When = Switches.Monitoring },
        new("exporters", Direction.In, [Resources.Redis], [Peer.Component(Exporter)], s_redis) { When = Switches.Monitoring },
        new("exporters", Direction.Out, [Exporter], [Peer.Component(Postgres)], s_postgres) { When = Switches.OwnPostgres },
        new("exporters", Direction.Out, [Exporter], [Peer.Component(Resources.Redis)], s_redis) { When = Switches.RedisPod },
        new("metrics of exporters", Direction.In, [Exporter], [Peer.Of("monitoring")], new(9187), new(9121)),
        new("managed Postgres", Direction.Out, [Api, Worker, Backup, Exporter], [Peer.Anywhere],
            new Port(Number(".Values.managedPorts.postgres")))
        {
            When = Switches.ManagedPostgres,
        },
        new("managed Redis", Direction.Out, [Api, Worker, Exporter], [Peer.Anywhere], new Port(Number(".Values.managedPorts.redis")))
        {
            When = Switches.ManagedRedis,
        },
        new("replication", Direction.In, [Postgres], [Peer.Component(Postgres)], s_postgres, s_status) { When = Switches.CloudNativePg },
        new("replication", Direction.Out, [Postgres], [Peer.Component(Postgres)], s_postgres, s_status) { When = Switches.CloudNativePg },
        new("operator", Direction.In, [Postgres], [Peer.Namespace("cnpg-system")], s_postgres, s_status) { When = Switches.CloudNativePg },
        new("metrics of the operator's instances", Direction.In, [Postgres], [Peer.Of("monitoring")], new Port(9187))
        {
            When = Switches.CloudNativePg,
        },
        new("cluster's API and archive", Direction.Out, [Postgres], [Peer.Anywhere], s_https, new(6443)) { When = Switches.CloudNativePg },
        new("names of the operator's instances, or of the mesh", Direction.Out, [Postgres], s_names, s_dns)
        {
            When = $"or ({Switches.CloudNativePg}) ({Switches.Mesh})",
        },
        new("names of the mesh", Direction.Out, [Resources.Redis], s_names, s_dns) { When = Switches.Mesh },
        new("backup in the mesh", Direction.In, [Postgres], [Peer.Component(Backup)], s_linkerd) { When = Switches.Linkerd },
        new("backup in the mesh", Direction.Out, [Backup], [Peer.Component(Postgres)], s_linkerd)
        {
            When = $"and ({Switches.OwnPostgres}) ({Switches.Linkerd})",
        },
        // Who calls from outside the release has to be in the mesh too, and comes in by the proxy's port.
        new("ingress in the mesh", Direction.In, s_reached, [Peer.Of("ingress")], s_linkerd) { When = Switches.Linkerd },
        new("metrics in the mesh", Direction.In, s_services, [Peer.Of("monitoring")], s_linkerd) { When = Switches.Linkerd },
        new("autoscaler in the mesh", Direction.In, [Api], [Peer.Of("autoscaler")], s_linkerd) { When = Switches.Linkerd },
        new("mesh", Direction.Out, s_meshed, [Peer.Namespace("linkerd")], s_http, new(8086), new(8090)) { When = Switches.Linkerd },
        new("mesh", Direction.Out, s_meshed, [Peer.Namespace("istio-system")], new Port(15012)) { When = Switches.Istio },
    ];
}
