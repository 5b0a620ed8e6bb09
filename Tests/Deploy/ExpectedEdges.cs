using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>The hops that network policies must admit, learned without asking those who write the policies.</summary>
internal static partial class ExpectedEdges
{
    private const string Anywhere = "0.0.0.0/0 without 169.254.169.254/32";

    private static readonly string[] s_services = Repository.HasDashboard ? ["api", "worker", "web"] : ["api", "worker"];

    /// <summary>What the manifest says: which resource refers to another's address, and the port at which that one listens.</summary>
    public static IReadOnlyList<string> Topology()
    {
        var resources = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "aspire-manifest.json")))!["resources"]!.AsObject();
        return [.. from service in s_services
                   from target in Targets(resources[service]!["env"]!.ToJsonString(), resources).Distinct()
                   where target != service
                   from binding in resources[target]!["bindings"]!.AsObject()
                   where binding.Key != "grpc" // for those outside
                   select $"{service} -> {target}:{binding.Value.Text("targetPort")}/TCP"];
    }

    /// <summary>
    /// The table of AppHost/Kubernetes/Networking/PlatformEdges.cs, written down once more, for servers that the chart runs.
    /// </summary>
    public static IReadOnlyList<string> Platform() =>
    [
        .. s_services.SelectMany(Names), .. Names("backup"),
        "namespace/ingress-nginx -> api:8080/TCP",
        "namespace/ingress-nginx -> api:8081/TCP", // gRPC
        .. Repository.HasDashboard ? Dashboard() : [],
        "namespace/ingress-nginx -> certificate solver:8089/TCP",
        "namespace/monitoring -> api:8080/TCP",
        "namespace/monitoring -> worker:8080/TCP",
        "namespace/keda -> api:8080/TCP",
        "api -> namespace/observability:4317/TCP",
        "worker -> namespace/observability:4317/TCP",
        $"api -> {Anywhere}:443/TCP", // identity provider, object storage
        $"worker -> {Anywhere}:443/TCP", // object storage
        $"backup -> {Anywhere}:443/TCP", // object storage
        "backup -> postgres:5432/TCP",
        "api -> worker:8081/TCP", // direct calls
    ];

    /// <summary>Hops of the exporters that are deployed beside the chart where monitoring is on.</summary>
    /// <param name="managed">Those of <c>postgres</c> and <c>redis</c> that others run.</param>
    public static IReadOnlyList<string> OfExporters(params string[] managed) =>
    [
        .. Names("exporter"),
        managed.Contains("postgres") ? $"exporter -> {Anywhere}:5432/TCP" : "exporter -> postgres:5432/TCP",
        managed.Contains("redis") ? $"exporter -> {Anywhere}:10000/TCP" : "exporter -> redis:6379/TCP",
        "namespace/monitoring -> exporter:9187/TCP",
        "namespace/monitoring -> exporter:9121/TCP",
    ];

    /// <summary>Hops to and within a database that the operator runs.</summary>
    public static IReadOnlyList<string> OfOperator() =>
    [
        .. Names("postgres"),
        "postgres -> postgres:5432/TCP",
        "postgres -> postgres:8000/TCP",
        "namespace/cnpg-system -> postgres:5432/TCP",
        "namespace/cnpg-system -> postgres:8000/TCP",
        "namespace/monitoring -> postgres:9187/TCP",
        $"postgres -> {Anywhere}:443/TCP",
        $"postgres -> {Anywhere}:6443/TCP",
    ];

    /// <summary>Hops to servers that others run, in the stead of those to ours.</summary>
    public static IReadOnlyList<string> WithManagedServers() =>
    [
        .. from edge in Topology().Concat(Platform())
           where !edge.Contains("-> postgres:", StringComparison.Ordinal) && !edge.Contains("-> redis:", StringComparison.Ordinal)
           select edge,
        .. from service in new[] { "api", "worker" } from port in new[] { 5432, 10000 } select $"{service} -> {Anywhere}:{port}/TCP",
        $"backup -> {Anywhere}:5432/TCP",
    ];

    /// <summary>Hops to object storage where it listens at a port of its own.</summary>
    public static IReadOnlyList<string> OfStorage() => [$"api -> {Anywhere}:9000/TCP", $"worker -> {Anywhere}:9000/TCP"];

    /// <summary>What a mesh adds between our pods, and to its own.</summary>
    /// <param name="servers">Those of <c>postgres</c> and <c>redis</c> that run in pods of ours.</param>
    public static IReadOnlyList<string> OfLinkerd(IReadOnlyCollection<string> servers) =>
    [
        .. from edge in Topology()
           let ends = edge[..edge.IndexOf(':', StringComparison.Ordinal)]
           where servers.Concat(s_services).Any(pod => ends.EndsWith($"> {pod}", StringComparison.Ordinal))
           select $"{ends}:4143/TCP",
        "api -> worker:4143/TCP",
        // Who calls from outside is in the mesh too.
        "namespace/keda -> api:4143/TCP",
        .. s_services.Select(pod => $"namespace/monitoring -> {pod}:4143/TCP"),
        .. s_services.Where(pod => pod != "worker").Select(pod => $"namespace/ingress-nginx -> {pod}:4143/TCP"),
        .. servers.Contains("postgres") ? (string[])["backup -> postgres:4143/TCP"] : [],
        .. servers.SelectMany(Names), // of the mesh's own servers
        .. from pod in s_services.Concat(servers).Append("backup") from port in new[] { 8080, 8086, 8090 } select $"{pod} -> namespace/linkerd:{port}/TCP",
    ];

    public static IReadOnlyList<string> OfIstio(IReadOnlyCollection<string> servers) =>
    [
        .. servers.SelectMany(Names), // of the mesh's own servers
        .. s_services.Concat(servers).Append("backup").Select(pod => $"{pod} -> namespace/istio-system:15012/TCP"),
    ];

    private static string[] Dashboard() =>
    [
        "namespace/ingress-nginx -> web:8080/TCP",
        "namespace/monitoring -> web:8080/TCP",
        "web -> namespace/observability:4317/TCP",
        $"web -> {Anywhere}:443/TCP", // identity provider
    ];

    private static IEnumerable<string> Names(string pod) =>
        from peer in new[] { "namespace/kube-system[k8s-app=kube-dns]", "169.254.20.10/32" }
        from protocol in new[] { "UDP", "TCP" }
        select $"{pod} -> {peer}:53/{protocol}";

    // A connection string refers in turn to the server that it leads to.
    private static IEnumerable<string> Targets(string text, JsonObject resources) => Reference().Matches(text).SelectMany(found =>
        found.Groups["what"].Value == "bindings" ? [found.Groups["name"].Value]
        : resources[found.Groups["name"].Value].Text("connectionString") is { Length: > 0 } connection ? Targets(connection, resources)
        : []);

    [GeneratedRegex(@"\{(?<name>[\w-]+)\.(?<what>bindings|connectionString)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reference();
}
